"""Pictures of a score: the most confused signs, and how far confidences can be believed."""

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
    """How often the most confused signs are taken for each other.

    Args:
        score: of all clips.
        most: signs to show; without errors, the first of the vocabulary.

    Returns:
        The signs, and counts `(signs, signs + 1)`: signed by named, the last column all other
        names.

    >>> import numpy as np
    >>> from slr_keras.metrics.isolated import SignScore
    >>> from slr_keras.metrics.isolated.plots import confusion_matrix
    >>> signed, glosses = ["A", "A", "B"], ["A", "B", "C"]
    >>> score = SignScore.of(np.eye(3)[[0, 1, 1]], signed, glosses)
    >>> confusion_matrix(score)[0], confusion_matrix(score)[1].tolist()
    (['A', 'B'], [[1, 1, 0], [0, 1, 0]])
    """
    signs = score.most_confused(most) or list(score.glosses[:most])
    places = {gloss: place for place, gloss in enumerate(signs)}
    counts = np.zeros((len(signs), len(signs) + 1), int)
    for signed, named in zip(score.signed, score.named):
        if signed in places:
            counts[places[signed], places.get(named, len(signs))] += 1
    return signs, counts


def draw_confusion(path: str | Path, score: SignScore, most: int = SIGNS) -> None:
    """Draw the confusions among the most confused signs into a PNG."""
    from matplotlib.figure import Figure

    signs, counts = confusion_matrix(score, most)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.5 + 0.34 * len(signs)
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in zip(*counts.nonzero()):
        colour = "white" if shares[row, column] > 0.6 else "black"
        text = str(counts[row, column])
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(len(signs) + 1), [*signs, OTHERS], rotation=90, parse_math=False)
    axes.set_yticks(range(len(signs)), signs, parse_math=False)
    axes.set(xlabel="named", ylabel="signed", title="most confused signs, clips")
    figure.colorbar(image, ax=axes, shrink=0.7, label="share of the sign's clips")
    _write(figure, path)


def draw_reliability(path: str | Path, calibration: Calibration) -> None:
    """Draw accuracy over confidence, and how many clips have it, into a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5.5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    bins = calibration.bins
    edges = [bins[0].low, *(one.high for one in bins)]
    above.plot([0, 1], [0, 1], "--", color="grey", label="as sure as right")
    above.stairs([one.accuracy for one in bins], edges, fill=True, alpha=0.5)
    filled = [one for one in bins if one.clips]
    above.plot(
        [one.confidence for one in filled], [one.accuracy for one in filled], "o-", label="clips"
    )
    above.set(ylabel="share named rightly", ylim=(0, 1.02))
    above.set_title(f"expected calibration error {calibration.error:.2f} %")
    above.legend()
    below.stairs([one.clips for one in bins], edges, fill=True)
    below.set(xlabel="confidence", ylabel="clips", xlim=(0, 1))
    for axes in (above, below):
        axes.grid(alpha=0.3)
    _write(figure, path)


def _write(figure: "Figure", path: str | Path) -> None:
    # The object interface, not pyplot: no global state, no window, any thread.
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with atomic_path(path) as temporary:
        FigureCanvasAgg(figure).print_png(str(temporary))
