"""What an extraction found, as a table, as JSON and as a picture."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from slr_keras.extraction.parts import PARTS, Found, Summary, summarised
from slr_keras.utils.files import atomic_path, write_json

RECORD, PICTURE = "extraction.json", "extraction.png"
# Okabe and Ito's colours, told apart by colour-blind eyes.
_COLOURS = dict(zip(PARTS, ("#444444", "#0072B2", "#D55E00", "#009E73")))


@dataclass(frozen=True)
class ClipReport:
    """What was found in one clip.

    Attributes:
        id, split, source: as in its source.
        frames: of the clip, at `fps` frames a second.
        parts: what was found of each part.
    """

    id: str
    split: str
    source: str
    frames: int
    fps: float
    parts: Mapping[str, Found]


@dataclass(frozen=True)
class Report:
    """What an extraction found.

    Attributes:
        settings: how; clips: in the order of the inputs; failures: file → why.
    """

    settings: Mapping[str, Any]
    clips: Sequence[ClipReport]
    failures: Mapping[str, str] = field(default_factory=dict)

    def summary(self) -> dict[str, Summary]:
        """What was found of each part in all clips."""
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
                        part: {
                            "frames": found.seen / found.frames,
                            "points": found.points,
                            "gap": found.gap,
                        }
                        for part, found in clip.parts.items()
                    },
                }
                for clip in self.clips
            ],
            "failures": dict(self.failures),
        }


def table(summary: Mapping[str, Summary]) -> str:
    """What was found, in lines of text.

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
    for part, found in summary.items():
        score = "-" if found.score is None else f"{found.score:.2f}"
        lines.append(
            f"{part:<10}  {_percent(found.frames)}  {_percent(found.points)}  {score:>5}  "
            f"{found.gap:>11}  {found.never:>13}"
        )
    return "\n".join(lines)


def _percent(share: float) -> str:
    # 100 % only where nothing is missing.
    shown = min(share * 100, 99.9) if share < 1 else 100.0
    return f"{shown:>4.1f} %" if shown < 100 else " 100 %"


def _draw(report: Report, path: Path) -> None:
    """Share of frames with each part: one curve a part, clips from the worst to the best."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4.2), layout="constrained")
    shares, gaps = figure.subplots(1, 2)
    place = (np.arange(len(report.clips)) + 0.5) / len(report.clips)
    for part, summary in report.summary().items():
        found = [clip.parts[part] for clip in report.clips]
        label = f"{part}: {_percent(summary.frames).strip()} of frames"
        style = {"color": _COLOURS[part], "marker": "o", "markersize": 3, "linewidth": 1.2}
        share = sorted(100 * clip.seen / clip.frames for clip in found)
        shares.plot(100 * place, share, label=label, **style)
        seconds = sorted(clip.gap / report.clips[0].fps for clip in found)
        gaps.plot(100 * place, seconds, **style)
    shares.set(
        title="Frames in which the part was found",
        xlabel="clips, from the worst (%)",
        ylabel="frames (%)",
        xlim=(0, 100),
        ylim=(-3, 103),
    )
    figure.legend(loc="outside lower center", ncols=len(PARTS), fontsize=8, frameon=False)
    gaps.set(
        title="Longest time without it",
        xlabel="clips, from the best (%)",
        ylabel="seconds",
        xlim=(0, 100),
    )
    gaps.set_ylim(bottom=0)
    for axes in (shares, gaps):
        axes.grid(color="#DDDDDD", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    count, failed = len(report.clips), len(report.failures)
    heading = f"{count} clip{'s' * (count != 1)}" + (f", {failed} failed" if failed else "")
    figure.suptitle(heading, x=0.01, ha="left", fontsize=10)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)
