"""A number of 5,000 digits in a file was a traceback: Python converts up to 4,300."""

import pytest

from slr_keras.models.gloss_lm import read_word_vectors
from slr_keras.text.common_formats import read_jsonl
from slr_keras.utils.errors import UserError


@pytest.mark.parametrize("value", ["9" * 5000, "[" * 5000])
def test_a_value_that_json_cannot_hold_is_refused_with_its_line(value):
    line = f'{{"id": {value}, "glosses": ["RAIN"]}}'
    with pytest.raises(UserError, match=r"a\.jsonl:2: not valid JSON"):
        read_jsonl("a.jsonl", ['{"id": "a", "glosses": ["SUN"]}', line], "reference")


@pytest.mark.parametrize("width", ["9" * 5000, "0"])
def test_a_length_that_vectors_cannot_have_is_refused_with_its_line(tmp_path, width):
    (tmp_path / "a.vec").write_text(f"2 {width}\nRegen 1 0 0\n")
    with pytest.raises(UserError, match=r"a\.vec:1: .* is no length of vectors"):
        read_word_vectors(tmp_path / "a.vec", {"Regen"})
