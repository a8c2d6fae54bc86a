#!/usr/bin/env python3
"""Compare the glosses of the JVM twin with those of `python -m slr_keras.predict`, and say why.

Between the two lie two changes: core's keypoints in place of MediaPipe Holistic's, and a stream in
place of a whole clip. Each video is read in all four ways, and by the twin itself:

    | | MediaPipe's points | core's points |
    | --- | --- | --- |
    | whole clip, run | predict | predict-core |
    | stream, bundle | stream | stream-core, which the twin must equal |

Exit code 1: the twin reads something else than `stream` of the same bundle on core's own points.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).resolve()
DEMO = HERE.parents[1]
WAYS = ("predict", "predict-core", "stream", "stream-core", "twin")
#: Pictures a second, of the twin and of the keypoints' contract.
RATE = "25"
Glosses = tuple[str, ...]


class Failure(Exception):
    """A command did not do what it was asked; says what it said."""


def glosses_of(run: Path, bundle: Path, video: Path) -> dict[str, Glosses]:
    """The glosses of a video, by way.

    Args:
        run: folder that `fit` made, of keypoints of MediaPipe Holistic.
        bundle: of the run, with a stream.
        video: a file.

    Raises:
        Failure: a command failed.
    """
    with tempfile.TemporaryDirectory() as scratch:
        points = Path(scratch, f"{video.stem}.npz")
        _write_points(video, points)
        return {
            "predict": _predicted(run, video),
            "predict-core": _predicted(run, points),
            "stream": _streamed(bundle, video),
            "stream-core": _streamed(bundle, points),
            "twin": tuple(_twin(video, "--bundle", bundle).split()),
        }


def reasons(found: Mapping[str, Glosses]) -> str:
    """Which of the two changes make the twin read something else than `predict`.

    >>> reasons({"predict": ("A",), "predict-core": ("A",), "stream": ("B",),
    ...          "stream-core": ("B",), "twin": ("B",)})
    'stream'
    """
    if found["twin"] != found["stream-core"]:
        return "FAULT: the twin is not its own stream"
    if found["twin"] == found["predict"]:
        return ""
    changes = {
        "keypoints": found["predict-core"] != found["predict"],
        "stream": found["stream"] != found["predict"],
    }
    return " and ".join(name for name, changed in changes.items() if changed) or "both together"


def table(results: Mapping[str, Mapping[str, Glosses]]) -> str:
    """In Markdown: the videos, how each way reads them, and why the twin differs."""
    lines = [f"| video | {' | '.join(WAYS)} | differs by |", "| --- " * (len(WAYS) + 2) + "|"]
    for video, found in results.items():
        cells = [" ".join(found[way]) or "-" for way in WAYS]
        lines.append(f"| {video} | {' | '.join(cells)} | {reasons(found)} |")
    same = sum(found["twin"] == found["predict"] for found in results.values())
    lines.append(f"\n{same} of {len(results)}: the twin reads what `predict` reads.")
    return "\n".join(lines)


def _write_points(video: Path, output: Path) -> None:
    """Core's landmarks as a clip for `predict` and `stream`."""
    import numpy as np
    from compare_keypoints import core_landmarks

    from slr_keras.extraction.clip_files import write_clip

    try:
        found = core_landmarks(video, "--fps", RATE)
    except subprocess.CalledProcessError as error:
        raise Failure(f"the twin: {_last_line(error.stderr)}") from error
    write_clip(output, found["points"], float(RATE), lambda: np.array(found["size"][0]), {})


def _predicted(run: Path, clip: Path) -> Glosses:
    (found,) = json.loads(_python("predict", run, clip, "--format", "json"))["clips"]
    return tuple(gloss["gloss"] for gloss in found["glosses"])


def _streamed(bundle: Path, clip: Path) -> Glosses:
    events = map(json.loads, _python("stream", bundle, clip, "--json").splitlines())
    sentences = (event["glosses"] for event in events if event["event"] == "sentence")
    return tuple(gloss["gloss"] for sentence in sentences for gloss in sentence)


def _python(module: str, *arguments: object) -> str:
    layout = ["--layout", "mediapipe_holistic_543"]
    return _run([sys.executable, "-m", f"slr_keras.{module}", *arguments, *layout])


def _twin(video: Path, *options: object) -> str:
    return _run([DEMO / "run_on_jvm.sh", video, "--fps", RATE, *options])


def _run(command: list[object]) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"{' '.join(map(str, command))}: {_last_line(done.stderr)}")
    return done.stdout


def _last_line(said: str) -> str:
    return (said.strip().splitlines() or ["no reason given"])[-1]


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 if the twin is not its own stream."""
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
    return 1 if any(found["twin"] != found["stream-core"] for found in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
