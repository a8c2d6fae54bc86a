"""Detection report of an extraction: a table, JSON and a picture."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slr_keras.extraction.parts import PARTS, Found, Summary, summarised
from slr_keras.utils.files import atomic_path, write_json

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RECORD, PICTURE = "extraction.json", "extraction.png"
# Okabe and Ito's palette, which colour-blind readers can distinguish.
_COLOURS = dict(zip(PARTS, ("#BBBBBB", "#56B4E9", "#D55E00", "#000000")))
# From wide to narrow, so that equal curves lie on each other and all are seen.
_WIDTHS = dict(zip(PARTS, (9.0, 6.0, 3.2, 1.0)))


@dataclass(frozen=True)
class ClipReport:
    """Detection statistics of one clip.

    Attributes:
        id, split: of the clip; source: path of the recording.
        frames: length of the clip, at `fps` frames a second.
        parts: statistics of each part.
    """

    id: str
    split: str
    source: str
    frames: int
    fps: float
    parts: Mapping[str, Found]


@dataclass(frozen=True)
class Report:
    """Detection statistics of an extraction.

    Attributes:
        settings: of MediaPipe; clips: in the order of the inputs; failures: file → reason.
    """

    settings: Mapping[str, Any]
    clips: Sequence[ClipReport]
    failures: Mapping[str, str] = field(default_factory=dict)

    def summary(self) -> dict[str, Summary]:
        """Statistics of each part over all clips."""
        return summarised(clip.parts for clip in self.clips)

    def write(self, folder: Path) -> None:
        """Write JSON and picture into a folder."""
        write_json(folder / RECORD, self.to_json())
        if self.clips:
            _draw(self, folder / PICTURE)
        else:
            (folder / PICTURE).unlink(missing_ok=True)

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {
            "settings": dict(self.settings),
            "parts": {part: asdict(summary) for part, summary in self.summary().items()},
            "clips": [
                {
                    "id": clip.id,
                    "split": clip.split,
                    "source": clip.source,
                    "frames": clip.frames,
                    "fps": clip.fps,
                    "parts": {
                        name: {
                            "frames": part.seen / part.frames,
                            "points": part.points,
                            "gap": part.gap,
                        }
                        for name, part in clip.parts.items()
                    },
                }
                for clip in self.clips
            ],
            "failures": dict(self.failures),
        }


def table(summary: Mapping[str, Summary]) -> str:
    """The statistics as lines of text.

    >>> from slr_keras.extraction.parts import Summary
    >>> from slr_keras.extraction.report import table
    >>> print(table({"left hand": Summary(0.875, 0.875, None, 12, 1)}))
    part        frames  points  score  longest gap  clips without
    left hand   87.5 %  87.5 %      -           12              1
    """
    lines = [
        f"{'part':<10}  {'frames':>6}  {'points':>6}  {'score':>5}  {'longest gap':>11}  "
        f"{'clips without':>13}"
    ]
    for part, counts in summary.items():
        score = "-" if counts.score is None else f"{counts.score:.2f}"
        lines.append(
            f"{part:<10}  {_percent(counts.frames)}  {_percent(counts.points)}  {score:>5}  "
            f"{counts.gap:>11}  {counts.never:>13}"
        )
    return "\n".join(lines)


def _percent(fraction: float) -> str:
    # Rounding must not turn 99.97 % into 100 %.
    shown = min(fraction * 100, 99.9) if fraction < 1 else 100.0
    return f"{shown:>4.1f} %" if shown < 100 else " 100 %"


def _draw(report: Report, path: Path) -> None:
    with atomic_path(path) as temporary:
        figure_of(report).savefig(temporary, format="png", dpi=110)


def figure_of(report: Report) -> "Figure":
    """The fraction of frames with each part: one curve a part, over the sorted clips."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4.2), layout="constrained")
    coverage, gaps = figure.subplots(1, 2)
    place = (np.arange(len(report.clips)) + 0.5) / len(report.clips)
    for part, summary in report.summary().items():
        clips = [clip.parts[part] for clip in report.clips]
        label = f"{part}: {_percent(summary.frames).strip()} of frames"
        width = _WIDTHS[part]
        style = {"color": _COLOURS[part], "marker": "o", "linewidth": width}
        style |= {"markersize": width + 2, "solid_capstyle": "butt"}
        percent = sorted(100 * clip.seen / clip.frames for clip in clips)
        coverage.plot(100 * place, percent, label=label, **style)
        seconds = sorted(clip.gap / report.clips[0].fps for clip in clips)
        gaps.plot(100 * place, seconds, **style)
    coverage.set(
        title="Frames in which the part was found",
        xlabel="clips, worst first (%)",
        ylabel="frames (%)",
        xlim=(0, 100),
        ylim=(-3, 103),
    )
    figure.legend(loc="outside lower center", ncols=len(PARTS), fontsize=8, frameon=False)
    gaps.set(
        title="Longest gap without the part",
        xlabel="clips, best first (%)",
        ylabel="seconds",
        xlim=(0, 100),
    )
    # A little below 0, so that the widest curve is whole.
    gaps.set_ylim(bottom=-0.04 * gaps.get_ylim()[1])
    for axes in (coverage, gaps):
        axes.grid(color="#DDDDDD", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    count, failed = len(report.clips), len(report.failures)
    heading = f"{count} clip{'s' * (count != 1)}" + (f", {failed} failed" if failed else "")
    figure.suptitle(heading, x=0.01, ha="left", fontsize=10)
    return figure
