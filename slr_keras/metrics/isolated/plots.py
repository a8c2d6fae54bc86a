"""Plots of a score: confusion matrix of the most confused signs, and reliability diagram."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from slr_keras.metrics import Calibration
from slr_keras.metrics.isolated.score import SignScore
from slr_keras.utils.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIGNS = 20
OTHERS = "(others)"


def confusion_matrix(score: SignScore, most: int = SIGNS) -> tuple[list[str], np.ndarray]:
    """Compute the confusion matrix of the most confused signs.

    Args:
        score: of all clips.
        most: number of signs; without errors, the first signs of the vocabulary are shown.

    Returns:
        The names of the columns, and counts `(signs, columns)`: true sign by predicted sign. A last
        column `OTHERS` counts the predictions of all other signs, if there are any.

    >>> import numpy as np
    >>> from slr_keras.metrics.isolated import SignScore
    >>> from slr_keras.metrics.isolated.plots import confusion_matrix
    >>> signed, glosses = ["A", "A", "B"], ["A", "B", "C"]
    >>> score = SignScore.of(np.eye(3)[[0, 1, 1]], signed, glosses)
    >>> confusion_matrix(score)[0], confusion_matrix(score)[1].tolist()
    (['A', 'B'], [[1, 1], [0, 1]])
    >>> score = SignScore.of(np.eye(3)[[1, 1, 2]], signed, glosses)
    >>> confusion_matrix(score, most=1)[0]
    ['B', '(others)']
    """
    signs = score.most_confused(most) or list(score.glosses[:most])
    rows = {gloss: row for row, gloss in enumerate(signs)}
    counts = np.zeros((len(signs), len(signs) + 1), int)
    for signed, named in zip(score.signed, score.named):
        if signed in rows:
            counts[rows[signed], rows.get(named, len(signs))] += 1
    if not counts[:, -1].any():
        return signs, counts[:, :-1]
    return [*signs, OTHERS], counts


def draw_confusion(path: str | Path, score: SignScore, most: int = SIGNS) -> None:
    """Draw the confusion matrix of the most confused signs into a PNG file."""
    from matplotlib.figure import Figure

    columns, counts = confusion_matrix(score, most)
    signs = columns[: len(counts)]
    fractions = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.5 + 0.34 * len(signs)
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(fractions, cmap="Blues", vmin=0, vmax=1)
    for row, column in zip(*counts.nonzero()):
        colour = "white" if fractions[row, column] > 0.6 else "black"
        text = str(counts[row, column])
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(len(columns)), columns, rotation=90, parse_math=False)
    axes.set_yticks(range(len(signs)), signs, parse_math=False)
    axes.set(xlabel="predicted sign", ylabel="true sign", title="most confused signs (clips)")
    figure.colorbar(image, ax=axes, shrink=0.7, label="fraction of the true sign's clips")
    _write(figure, path)


def draw_reliability(path: str | Path, calibration: Calibration) -> None:
    """Draw the reliability diagram, accuracy over confidence, and a histogram into a PNG file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5.5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    bins = calibration.bins
    edges = [bins[0].low, *(one.high for one in bins)]
    above.plot([0, 1], [0, 1], "--", color="grey", label="perfect calibration")
    above.stairs([one.accuracy for one in bins], edges, fill=True, alpha=0.5)
    filled = [one for one in bins if one.clips]
    above.plot(
        [one.confidence for one in filled], [one.accuracy for one in filled], "o-", label="model"
    )
    above.set(ylabel="accuracy", ylim=(0, 1.02))
    above.set_title(f"expected calibration error {calibration.error:.2f} %")
    above.legend()
    below.stairs([one.clips for one in bins], edges, fill=True)
    below.set(xlabel="confidence", ylabel="clips", xlim=(0, 1))
    for axes in (above, below):
        axes.grid(alpha=0.3)
    _write(figure, path)


def _write(figure: "Figure", path: str | Path) -> None:
    # The object interface instead of pyplot: no global state, no window, usable in any thread.
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with atomic_path(path) as temporary:
        FigureCanvasAgg(figure).print_png(str(temporary))
