#!/usr/bin/env python3
"""Compare the glosses of the desktop runner and of `python -m slr_keras.predict`, and say why.

From `predict` to the desktop runner, each step changes one thing:

| step | changes |
| --- | --- |
| predict | MediaPipe Holistic's points, the run, the whole clip |
| file | the bundle's file, frame by frame: all gaps are waited for, rest ends nothing |
| gaps | gaps are waited for as long as in a stream |
| rest | sentences begin with movement and end at rest: `stream` of the bundle |
| keypoints | core's points in place of MediaPipe's |
| desktop | the desktop runner, all in core; must equal the step before |

Exit code 1: the desktop runner and `stream` of the same bundle differ on core's own points.
"""

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

HERE = Path(__file__).resolve()
DEMO = HERE.parents[1]
STEPS = ("predict", "file", "gaps", "rest", "keypoints", "desktop")
#: Frames per second of the desktop runner and of the keypoint contract.
RATE = "25"
#: Frames that a gap is waited for where all of it is: longer than any clip.
FOREVER = "1000000"
Glosses = tuple[str, ...]


class Failure(Exception):
    """A command did not do what it was asked; says what it said."""


def glosses_of(run: Path, bundle: Path, video: Path) -> dict[str, Glosses]:
    """The glosses of a video, step by step.

    Args:
        run: folder that `fit` made, of keypoints of MediaPipe Holistic.
        bundle: of the run, with a stream.
        video: a file.

    Raises:
        Failure: a command failed.
    """
    with tempfile.TemporaryDirectory() as scratch:
        kept, core = Path(scratch, "mediapipe"), Path(scratch, "core.npz")
        predicted = _predicted(run, video, kept)
        (mediapipe,) = kept.glob("*.npz")
        _write_core_points(video, core)
        return {
            "predict": predicted,
            "file": _streamed(bundle, mediapipe, "--rest", "0", "--look-ahead", FOREVER),
            "gaps": _streamed(bundle, mediapipe, "--rest", "0"),
            "rest": _streamed(bundle, mediapipe),
            "keypoints": _streamed(bundle, core),
            "desktop": tuple(_desktop(video, bundle).split()),
        }


def reasons(glosses: Mapping[str, Glosses]) -> str:
    """The steps that make the desktop runner read something else than `predict`.

    >>> reasons({"predict": ("A",), "file": ("A",), "gaps": ("A",), "rest": ("A", "B"),
    ...          "keypoints": ("B",), "desktop": ("B",)})
    'rest, keypoints'
    """
    if glosses["desktop"] != glosses["keypoints"]:
        return "ERROR: the runner differs from its own stream"
    if glosses["desktop"] == glosses["predict"]:
        return ""
    return ", ".join(step for before, step in pairwise(STEPS) if glosses[step] != glosses[before])


def table(results: Mapping[str, Mapping[str, Glosses]]) -> str:
    """In Markdown: how each step reads the videos, where it differs from the step before."""
    lines = [f"| video | {' | '.join(STEPS)} | differs by |", "| --- " * (len(STEPS) + 2) + "|"]
    for video, glosses in results.items():
        cells = [_joined(glosses["predict"])]
        for before, step in pairwise(STEPS):
            cells.append("=" if glosses[step] == glosses[before] else _joined(glosses[step]))
        lines.append(f"| {video} | {' | '.join(cells)} | {reasons(glosses)} |")
    same = sum(glosses["desktop"] == glosses["predict"] for glosses in results.values())
    lines.append(f"\n{same} of {len(results)}: the desktop runner reads what `predict` reads.")
    return "\n".join(lines)


def _joined(glosses: Glosses) -> str:
    return " ".join(glosses) or "(nothing)"


def _predicted(run: Path, video: Path, kept: Path) -> Glosses:
    """Of the run; MediaPipe's points are left in the folder `kept`."""
    from slr_keras.predict import main

    (clip,) = json.loads(_said(main, run, video, "--format", "json", "--cache", kept))["clips"]
    return tuple(gloss["gloss"] for gloss in clip["glosses"])


def _streamed(bundle: Path, clip: Path, *options: str) -> Glosses:
    from slr_keras.stream import main

    events = map(json.loads, _said(main, bundle, clip, "--json", *options).splitlines())
    sentences = (event["glosses"] for event in events if event["event"] == "sentence")
    return tuple(gloss["gloss"] for sentence in sentences for gloss in sentence)


def _said(command: Callable[[list[str]], int], *arguments: object) -> str:
    """What a command of `slr_keras` writes to its standard output."""
    from slr_keras.utils.errors import UserError

    output, errors = io.StringIO(), io.StringIO()
    layout = ["--layout", "mediapipe_holistic_543"]
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            code = command([*map(str, arguments), *layout])
    except UserError as error:
        raise Failure(str(error)) from error
    if code:
        raise Failure(_last_line(errors.getvalue()))
    return output.getvalue()


def _write_core_points(video: Path, output: Path) -> None:
    """Core's landmarks as a clip."""
    import numpy as np
    from compare_keypoints import core_landmarks

    from slr_keras.extraction.clip_files import write_clip

    try:
        landmarks = core_landmarks(video, "--fps", RATE)
    except subprocess.CalledProcessError as error:
        raise Failure(f"the desktop runner: {_last_line(error.stderr)}") from error
    write_clip(output, landmarks["points"], float(RATE), lambda: np.array(landmarks["size"][0]), {})


def _desktop(video: Path, bundle: Path) -> str:
    command = [DEMO / "run_on_jvm.sh", video, "--fps", RATE, "--bundle", bundle]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"the desktop runner: {_last_line(done.stderr)}")
    return done.stdout


def _last_line(said: str) -> str:
    return (said.strip().splitlines() or ["no reason given"])[-1]


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 if the desktop runner is not its own stream."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="folder that `fit` made")
    help_bundle = "its bundle, exported with --streaming and the policy of the run"
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help=help_bundle)
    parser.add_argument("videos", type=Path, nargs="+", metavar="VIDEO")
    options = parser.parse_args(arguments)
    absent = [
        str(path) for path in (options.run, options.bundle, *options.videos) if not path.exists()
    ]
    if absent:
        print(f"compare_glosses: there is no {', no '.join(absent)}", file=sys.stderr)
        return 2
    os.environ.setdefault("SLR_PYTHON", sys.executable)
    results = {}
    for video in options.videos:
        try:
            results[video.stem] = glosses_of(options.run, options.bundle, video)
        except (Failure, OSError) as error:
            print(f"compare_glosses: {video}: {error}", file=sys.stderr)
            return 2
        print(f"{len(results)} of {len(options.videos)} videos read", file=sys.stderr)
    print(table(results))
    return (
        1 if any(glosses["desktop"] != glosses["keypoints"] for glosses in results.values()) else 0
    )


if __name__ == "__main__":
    sys.exit(main())
