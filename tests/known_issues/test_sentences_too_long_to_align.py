"""A sentence of 40,000 words with an alternative asked for 6 GB of memory and ended the score."""

import pytest

from slr_keras.__main__ import INDEX
from slr_keras.utils.errors import UserError


def test_a_sentence_that_is_too_long_to_align_is_refused_in_words(tmp_path):
    path = tmp_path / "long.trn"
    path.write_text("{ A / B } " + "RAIN " * 8000 + "(a)\n")
    with pytest.raises(UserError, match="too long to align"):
        INDEX.main(["score", str(path), str(path)])
