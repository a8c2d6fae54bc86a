"""Plot of one clip: emission probabilities of two runs over time, and the reference."""

import textwrap
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from slr_keras.comparison.emission import Emission
from slr_keras.data.sample import Sample
from slr_keras.metrics.alignment import columns_of
from slr_keras.utils.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours for colour-blind readers, without their red, which marks errors.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#8C6D31", "#6A51A3", "#7FBC41")
ERROR, INK, UNSEEN = "#C1121F", "#444444", "#E4E4E4"
EXPLANATION = (
    "Curves: probability that a step emits the gloss. Bars: span in the most probable alignment. "
    "Red, hatched: wrong. Grey: frames that the model does not see."
)
# Inches: height of the two kinds of panels without names, of a row of names; width of a letter and
# of a second.
SIGNS, CURVES, NAMES, LETTER, SECOND = 0.28, 1.5, 0.2, 0.092, 2.2
WIDTHS = (10.0, 40.0)
LONGEST_NAME = 28
OTHER_SCRIPTS = ("Noto Sans CJK SC", "WenQuanYi Zen Hei", "PingFang SC", "Microsoft YaHei")


@dataclass(frozen=True)
class Sign:
    """A gloss of the reference with its start and end in seconds."""

    gloss: str
    start: float
    end: float


@dataclass(frozen=True)
class _Paper:
    """Duration of the clip in seconds, and letters that fit into one second."""

    seconds: float
    letters: float


@dataclass(frozen=True)
class _Name:
    """Name of a gloss above its position in time."""

    text: str
    seconds: float
    row: int
    colour: str


def draw_alignment(
    path: str | Path,
    sample: Sample,
    signs: Sequence[Sign],
    emissions: Sequence[Emission],
    titles: Sequence[str],
) -> None:
    """Draw the glosses of a clip over time into a PNG file.

    The upper panel shows the reference; a panel below it for each run shows the probability that a
    step emits each gloss. A sign has the same colour in all panels; errors are red and hatched.

    Args:
        path: file to write.
        sample: the clip.
        signs: the reference with its spans; empty if spans are unknown.
        emissions: one for each run.
        titles: one for each run.
    """
    # The object interface instead of pyplot: no global state, no window, usable in any thread.
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    seconds = sample.frames / sample.fps
    width = float(np.clip(SECOND * seconds + 1.2, *WIDTHS))
    paper = _Paper(seconds, (width - 1.2) / seconds / LETTER)
    reference = [pair.reference for pair in emissions[0].alignment.pairs if pair.reference]
    colours = _colours([sign.gloss for sign in signs] + reference)
    panels = [(SIGNS, _names_of_signs(signs, colours, paper), partial(_draw_signs, signs))]
    panels = panels if signs else []
    for emission in emissions:
        names = _names_of_emission(emission, colours, paper)
        panels.append((CURVES, names, partial(_draw_emission, emission)))
    heights = [body + NAMES * _rows(names) for body, names, _ in panels]

    with rc_context({"font.size": 10, "font.family": _families(), "hatch.linewidth": 0.6}):
        size = (width, sum(heights) + 0.5 * len(panels) + 1.0)
        figure = Figure(figsize=size, layout="constrained", dpi=130)
        plots = figure.subplots(
            len(panels), 1, sharex=True, squeeze=False, height_ratios=heights
        ).ravel()
        for plot, (body, names, draw) in zip(plots, panels):
            plot.set_xlim(0, seconds)
            draw(plot, colours)
            _write_names(plot, names, body)
        for plot, title, emission in zip(plots[-len(emissions) :], titles, emissions):
            _write_title(plot, title, emission, paper)
            for sign in signs:
                plot.axvspan(sign.start, sign.end, color=colours[sign.gloss], alpha=0.09, lw=0)
        heading = _heading(sample, [] if signs else reference, paper)
        figure.suptitle(heading, x=0.01, ha="left", fontweight="bold", parse_math=False)
        _draw_time(plots[-1], sample)
        figure.supxlabel(EXPLANATION, x=0.01, ha="left", fontsize=8, color=INK)
        with atomic_path(path) as temporary, warnings.catch_warnings():
            # Characters without a font on this machine appear as boxes.
            warnings.filterwarnings("ignore", message="Glyph .* missing")
            FigureCanvasAgg(figure).print_png(str(temporary))


def _heading(sample: Sample, reference: Sequence[str], paper: _Paper) -> str:
    """Id and signer, and the reference if no panel shows it."""
    heading = f"{sample.id}, signer {sample.signer}" if sample.signer else sample.id
    glosses = " ".join(reference)
    # Bold letters of 12 points are wider than those of the names.
    lines = textwrap.wrap(glosses, int(paper.letters * paper.seconds / 1.6))
    return "\n".join([heading, *lines])


def _write_title(axes: "Axes", title: str, emission: Emission, paper: _Paper) -> None:
    """Write the title above a run's panel, and to the right its deletions if there is room."""
    axes.set_title(title, loc="left", fontsize=10, parse_math=False)
    if emission.deleted:
        text = "deleted: " + ", ".join(map(_shortened, emission.deleted))
        if columns_of(title) + columns_of(text) > 0.85 * paper.letters * paper.seconds:
            text = f"deleted: {len(emission.deleted)} glosses"
        axes.set_title(text, loc="right", fontsize=10, color=ERROR, parse_math=False)


def _draw_signs(signs: Sequence[Sign], axes: "Axes", colours: Mapping[str, str]) -> None:
    for sign in signs:
        length = sign.end - sign.start
        axes.barh(0.5, length, 1, left=sign.start, color=colours[sign.gloss], edgecolor="white")
    axes.set_yticks([])
    axes.set_title("reference", loc="left", fontsize=10)
    axes.spines[["left", "right", "top"]].set_visible(False)


def _draw_emission(emission: Emission, axes: "Axes", colours: Mapping[str, str]) -> None:
    edges = emission.edges
    for column, (gloss, right) in enumerate(emission.glosses):
        colour = colours[gloss] if right else ERROR
        style = {"alpha": 0.6} if right else {"alpha": 0.5, "hatch": "////"}
        curve = emission.probabilities[:, column]
        axes.stairs(curve, edges, fill=True, facecolor=colour, edgecolor="white", lw=0, **style)
        axes.stairs(curve, edges, color=colour, lw=1.2)
        start, end = emission.spans[column]
        # The most probable alignment, as a bar under the curves.
        axes.plot(edges[[start, end]], [-0.05, -0.05], color=colour, lw=4, solid_capstyle="butt")
    axes.set_ylabel("probability")
    axes.set_yticks([0, 0.5, 1])
    axes.grid(axis="y", alpha=0.3)
    axes.spines[["right", "top"]].set_visible(False)
    # Longer clips than the model takes are cut to their middle.
    for start, end in ((0.0, edges[0]), (edges[-1], axes.get_xlim()[1])):
        if end - start > edges[1] - edges[0]:
            axes.axvspan(start, end, color=UNSEEN, lw=0)


def _draw_time(axes: "Axes", sample: Sample) -> None:
    """Draw two time axes: seconds and frames."""
    axes.set_xlabel("seconds")
    fps = sample.fps
    frames = axes.secondary_xaxis("bottom", functions=(lambda s: s * fps, lambda f: f / fps))
    frames.spines["bottom"].set_position(("outward", 40))
    frames.set_xlabel(f"frame ({fps:g} frames per second)")


def _names_of_signs(signs, colours: Mapping[str, str], paper: _Paper) -> list[_Name]:
    places = [(sign.gloss, (sign.start + sign.end) / 2, colours[sign.gloss]) for sign in signs]
    return _staggered(places, paper)


def _names_of_emission(
    emission: Emission, colours: Mapping[str, str], paper: _Paper
) -> list[_Name]:
    places = []
    for (gloss, right), (start, end) in zip(emission.glosses, emission.spans, strict=True):
        middle = (emission.edges[start] + emission.edges[end]) / 2
        places.append((gloss, float(middle), colours[gloss] if right else ERROR))
    return _staggered(places, paper)


def _staggered(places: Sequence[tuple[str, float, str]], paper: _Paper) -> list[_Name]:
    """Distribute names (text, seconds, colour) over as few rows as possible without overlap."""
    ends: list[float] = []
    names = []
    for text, seconds, colour in places:
        text = _shortened(text)
        half = (columns_of(text) + 1) / paper.letters / 2
        seconds = max(half, min(seconds, paper.seconds - half))
        row = next((row for row, end in enumerate(ends) if end <= seconds - half), len(ends))
        ends[row : row + 1] = [seconds + half]
        names.append(_Name(text, seconds, row, colour))
    return names


def _rows(names: Sequence[_Name]) -> int:
    return max((name.row + 1 for name in names), default=0)


def _write_names(axes: "Axes", names: Sequence[_Name], body: float) -> None:
    """Write names above a panel in which the value 1 is at a height of `body` inches."""
    for name in names:
        above = 1 + (name.row + 0.2) * NAMES / body
        style = {"ha": "center", "va": "bottom", "color": name.colour, "fontsize": 9}
        axes.text(name.seconds, above, name.text, parse_math=False, clip_on=False, **style)
    axes.set_ylim(-0.1 if body == CURVES else 0, 1 + _rows(names) * NAMES / body + 0.02)


def _colours(reference: Sequence[str]) -> dict[str, str]:
    distinct = dict.fromkeys(reference)
    return {gloss: COLOURS[index % len(COLOURS)] for index, gloss in enumerate(distinct)}


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def _families() -> list[str]:
    """matplotlib's default font, then installed fonts for other scripts."""
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    return ["DejaVu Sans", *(name for name in OTHER_SCRIPTS if name in installed)]
