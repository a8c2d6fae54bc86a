"""The picture of an extraction: parts that were found equally often are all seen."""

import numpy as np

from slr_keras.extraction.parts import PARTS, Found
from slr_keras.extraction.report import ClipReport, Report, figure_of


def test_equal_parts_do_not_hide_each_other():
    found = Found(100, 100, 1.0, 0, np.ones(100))
    clips = [
        ClipReport(str(n), "train", "a.mp4", 100, 25.0, dict.fromkeys(PARTS, found)) for n in "ab"
    ]
    for axes in figure_of(Report({}, clips)).axes:
        lines = axes.get_lines()
        widths = [line.get_linewidth() for line in lines]
        assert len(widths) == len(PARTS)
        assert (np.diff(widths) < -1.5).all()
        # The widest is drawn first and is whole.
        assert axes.get_ylim()[0] < min(line.get_ydata().min() for line in lines)
        assert len({line.get_color() for line in lines}) == len(PARTS)
