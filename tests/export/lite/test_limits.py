"""Limits of what a precision may lose on the dev split."""

import pytest

from export.lite.verification import DYNAMIC, FLOAT32, INT8, require_within
from slr_keras.utils.errors import UserError


def loss(glosses, words):
    return {"change": round(100 * glosses / words, 4), "relative_error": 0.0, "windowed": 0}


@pytest.mark.parametrize(("precision", "words"), [(DYNAMIC, 270), (INT8, 60)])
def test_one_gloss_of_a_small_split_may_change_in_eight_bits_and_no_more(precision, words):
    require_within(loss(1, words), precision, words)
    with pytest.raises(UserError, match=f"one of {words} glosses"):
        require_within(loss(2, words), precision, words)


def test_no_gloss_of_a_small_split_may_change_in_single_precision():
    with pytest.raises(UserError, match=r"limit 0\.1"):
        require_within(loss(1, 270), FLOAT32, 270)
