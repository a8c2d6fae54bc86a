"""Limits of the loss on dev that a precision may have."""

import pytest

from export.lite.verification import require_within
from slr_keras.utils.errors import UserError


def result(change):
    return {"change": change, "relative_error": 0.0, "windowed": 0}


@pytest.mark.parametrize("precision", ["dynamic", "int8"])
def test_one_gloss_may_change_in_eight_bits_and_two_may_not(precision):
    require_within(result(round(100 / 270, 4)), precision, words=270)
    with pytest.raises(UserError, match="one of 50 glosses"):
        require_within(result(200 / 50), precision, words=50)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_no_gloss_may_change_in_floats(precision):
    with pytest.raises(UserError, match=precision):
        require_within(result(100 / 50), precision, words=50)


def test_a_limit_of_zero_allows_no_gloss():
    with pytest.raises(UserError, match="int8"):
        require_within(result(100 / 50), "int8", words=50, wer_limits={"int8": 0.0})
