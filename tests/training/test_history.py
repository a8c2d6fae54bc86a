"""The curves of a run: every one is seen, and its axis can be read."""

import numpy as np
import pytest

from slr_keras.training.history import curves, draw_curves


def record(epoch, loss, **scores):
    wer = {"ensemble": 30.0, "fuse": 30.0, "left": 40.0}
    fields = {"epoch": epoch, "loss": loss, "learning_rate": 1e-3, "dev": {"wer": wer}}
    return {**fields, "terms": ["ctc"], "ctc": loss, **scores}


def ticks(axes):
    low, high = sorted(axes.get_ylim())
    return [value for value in axes.get_yticks() if low <= value <= high]


@pytest.mark.parametrize(
    "bounds", [(0.2, 40), (2, 9), (0.03, 0.9), (0.05, 500), (-0.3, 0.4), (-2, 90), (0, 3), (1, 21)]
)
def test_the_axis_of_the_loss_has_ticks_to_read_it_by(bounds):
    losses = np.linspace(*bounds, 9)[::-1]
    figure = curves([record(epoch, loss) for epoch, loss in enumerate(losses, start=1)])
    axes = figure.axes[0]
    assert len(ticks(axes)) >= 3
    figure.draw_without_rendering()
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert all(labels)


def test_equal_curves_are_both_seen():
    figure = curves([record(epoch, 5.0 / epoch) for epoch in range(1, 9)])
    for axes in figure.axes[:2]:
        below, above = axes.get_lines()[:2]
        assert np.array_equal(below.get_ydata(), above.get_ydata())
        assert below.get_linewidth() > 2 * above.get_linewidth()
        assert below.get_color() != above.get_color()
    assert figure.axes[1].get_lines()[0].get_label() == "ensemble"


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), 0.0])
def test_a_loss_that_is_no_curve_is_drawn_all_the_same(tmp_path, loss):
    draw_curves([record(1, loss), record(2, loss)], tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 1000
