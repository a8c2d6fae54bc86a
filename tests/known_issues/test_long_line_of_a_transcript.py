"""A transcript of one long line took minutes: a pattern for TRN lines was quadratic in it."""

import time

import pytest

from slr_keras.text.nist import is_trn


@pytest.mark.parametrize("line", ["4" + " " * 40_000, " " * 40_000 + "(id", "( " * 20_000])
def test_the_format_of_a_long_line_is_found_in_linear_time(line):
    started = time.process_time()
    assert not is_trn(line)
    long = time.process_time() - started
    started = time.process_time()
    assert not is_trn(line[: len(line) // 8])
    # The quadratic pattern takes 64 times as long for a line eight times as long.
    assert long < 30 * (time.process_time() - started) + 0.5
