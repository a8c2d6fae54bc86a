"""A bundle passed its own gate at 100 % WER, with an equal best class in 0.00 % of the steps.

The gate compared error rates alone, and a model that names nothing loses no points against another
that names nothing. Agreement now has a floor, and a model that recognises nothing is reported.
"""

import pytest

from export.common.comparison import useless_model
from export.graph.verification import AGREEMENT as GRAPH_AGREEMENT, require_metric
from export.lite.card import _percent
from export.lite.verification import WER_LIMITS, require_within
from slr_keras.utils.errors import UserError


def result(agreement, **changes):
    row = {"wer": 100.0, "change": 0.0, "relative_error": 0.0, "windowed": 0}
    return {**row, "argmax_agreement": agreement, **changes}


@pytest.mark.parametrize("precision", WER_LIMITS)
@pytest.mark.parametrize("agreement", [0.0, 0.3, float("nan")])
def test_a_bundle_that_names_other_classes_is_refused_at_equal_error_rates(precision, agreement):
    with pytest.raises(UserError, match="its best class is that of Keras in"):
        require_within(result(agreement), precision, 500)
    require_within(result(1.0), precision, 500)


def test_scores_that_are_not_numbers_are_refused_in_every_precision():
    for precision in WER_LIMITS:
        with pytest.raises(UserError, match="not numbers"):
            require_within(result(1.0, relative_error=float("nan")), precision, 500)


@pytest.mark.parametrize("precision", GRAPH_AGREEMENT)
def test_a_saved_model_that_names_other_classes_is_refused(precision):
    metric = {"clips": 9, "change": 0.0, "words": 500}
    with pytest.raises(UserError, match="its best class is that of Keras in 0"):
        require_metric({**metric, "agreement": 0.0}, precision, 0.5)
    require_metric({**metric, "agreement": 1.0}, precision, 0.5)


def test_clips_of_which_none_was_compared_are_called_so():
    require_within(result(None), "fp32", 500)
    assert _percent(None) == "not compared"


@pytest.mark.parametrize(("rate", "warned"), [(100.0, True), (90.0, True), (35.0, False)])
def test_a_model_that_recognises_nothing_is_reported(rate, warned):
    assert ("says nothing" in useless_model(rate)) is warned
