#!/usr/bin/env python3
"""Compare the Android core's keypoints with MediaPipe Holistic's, on real videos.

Each video goes through core on the JVM (`run_on_jvm.sh`) and through MediaPipe, as
`slr_keras.extraction` runs it. The table says, for each part, in how many pictures both found
it, in how many only one did, and how far apart the points are: in pixels of a picture of
640x480. Two runs: pictures followed as a video, and each for itself (`--still`). With `--mode
noise` MediaPipe is compared with itself, on pictures in which one value of a hundred is a step of
brightness lighter or darker: what no comparison can be better than.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

HERE = Path(__file__).resolve()
DEMO = HERE.parents[1]
#: Part -> its first point and number of points in the layout mediapipe_holistic_543.
PARTS = {"pose": (0, 33), "left hand": (501, 21), "right hand": (522, 21), "face": (33, 468)}
#: Pixels of 640x480 that pose and hands may be apart: in the median and at the 95th percentile.
LIMITS = 2.0, 6.0
_RECORD = np.dtype(
    [
        ("milliseconds", "<f8"),
        ("size", "<i4", 2),
        ("rightness", "<f4", 2),
        ("points", "<f4", (543, 4)),
    ]
)


class Part(NamedTuple):
    """How two ways to find a part agree.

    Attributes:
        both, only_core, only_mediapipe: pictures in which it was found.
        distances: of its points where both found it, in pixels of a picture of 640x480.
    """

    both: int
    only_core: int
    only_mediapipe: int
    distances: np.ndarray


def core_landmarks(video: Path, *options: str) -> np.ndarray:
    """What core finds on the JVM: records with `size` and `points` (543, 4), in pixels."""
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / "landmarks"
        command = [DEMO / "run_on_jvm.sh", video, "--landmarks", output, "--face", *options]
        subprocess.run(command, check=True, stderr=subprocess.PIPE, text=True)
        return np.fromfile(output, _RECORD)


def mediapipe_landmarks(video: Path, still: bool) -> np.ndarray:
    """What MediaPipe finds: (pictures, 543, 4), in pixels."""
    if not still:
        from slr_keras.extraction import landmark_frames

        with landmark_frames(video) as frames:
            return np.stack([frame.points for frame in frames])
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / "landmarks.npy"
        # MediaPipe wants a process of its own.
        command = [sys.executable, HERE, "--reference", video, output]
        subprocess.run(command, check=True, stderr=subprocess.PIPE, text=True)
        return np.load(output)


def _write_still(video: Path, output: Path) -> None:
    """MediaPipe's landmarks of each picture for itself."""
    for unneeded in ("tensorflow", "jax"):
        sys.modules.setdefault(unneeded, None)
    from mediapipe.python.solutions.holistic import Holistic

    from slr_keras.data.video.recordings import shown_in
    from slr_keras.extraction.holistic import assembled

    landmarks = []
    with Holistic(static_image_mode=True) as holistic:
        for shown in shown_in(video, 25.0):
            picture = np.ascontiguousarray(shown.frame)
            landmarks.append(assembled(holistic.process(picture), *picture.shape[1::-1]))
            # Even for still pictures MediaPipe follows hands; one without a person makes it forget.
            holistic.process(np.zeros_like(picture))
    np.save(output, np.stack(landmarks))


def noise(video: Path) -> dict[str, Part]:
    """How MediaPipe agrees with itself on pictures that nobody could tell apart."""
    from slr_keras.data.rates import at_rate
    from slr_keras.data.video.recordings import shown_in
    from slr_keras.extraction import Settings, landmark_frames

    shown = at_rate(shown_in(video, 25.0, None), 25.0)
    pictures = np.stack([frame() if callable(frame) else frame for frame in shown])
    steps = np.random.default_rng(0).choice(
        np.array([-1, 0, 1], np.int16), pictures.shape, p=[0.005, 0.99, 0.005]
    )
    disturbed = np.clip(pictures + steps, 0, 255).astype(np.uint8)
    runs = []
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, "clip.npy")
        for version in (pictures, disturbed):
            np.save(file, version)
            with landmark_frames(file, Settings(fps=None), rate=25.0) as frames:
                runs.append(np.stack([frame.points for frame in frames]))
    records = np.zeros(len(pictures), _RECORD)
    records["size"] = pictures.shape[2], pictures.shape[1]
    records["points"] = runs[1]
    return compared(records, runs[0])


def compared(core: np.ndarray, mediapipe: np.ndarray) -> dict[str, Part]:
    """How core and MediaPipe agree in each part.

    Args:
        core: records, as `core_landmarks` gives them.
        mediapipe: (pictures, 543, 4).

    Raises:
        ValueError: they are not of the same number of pictures.
    """
    if len(core) != len(mediapipe):
        raise ValueError(f"{len(core)} pictures through core, {len(mediapipe)} through MediaPipe")
    scale = np.array([640, 480]) / core["size"]
    parts = {}
    for name, (first, count) in PARTS.items():
        ours, theirs = (points[:, first : first + count] for points in (core["points"], mediapipe))
        here, there = (points[..., :3].any(axis=(1, 2)) for points in (ours, theirs))
        apart = (ours - theirs)[..., :2] * scale[:, None]
        distances = np.linalg.norm(apart[here & there], axis=-1).ravel()
        parts[name] = Part(
            int((here & there).sum()),
            int((here & ~there).sum()),
            int((there & ~here).sum()),
            distances,
        )
    return parts


def merged(results: Iterable[dict[str, Part]]) -> dict[str, Part]:
    """The agreement in all videos together."""
    results = list(results)
    return {
        name: Part(
            *(sum(one[name][index] for one in results) for index in range(3)),
            np.concatenate([one[name].distances for one in results]),
        )
        for name in PARTS
    }


def table(results: dict[str, dict[str, Part]]) -> str:
    """A table in Markdown of results by name."""
    lines = [
        "| video | part | both | only core | only MediaPipe | median px | 95 % px | largest px |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, parts in results.items():
        for part, (both, only_core, only_mediapipe, distances) in parts.items():
            figures = (
                [f"{value:.2f}" for value in np.percentile(distances, [50, 95, 100])]
                if both
                else ["-"] * 3
            )
            cells = [name, part, both, only_core, only_mediapipe, *figures]
            lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def within_limits(parts: dict[str, Part]) -> bool:
    """Whether pose and hands are as near as `LIMITS` says, where both found them."""
    near = (
        np.median(part.distances) <= LIMITS[0] and np.percentile(part.distances, 95) <= LIMITS[1]
        for name, part in parts.items()
        if name != "face" and part.both
    )
    return all(near)


def main(arguments: list[str] | None = None) -> int:
    """Print the tables; 1 if pose or hands are too far apart."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", type=Path, nargs="+", metavar="VIDEO")
    parser.add_argument("--mode", choices=["followed", "still", "both", "noise"], default="both")
    parser.add_argument("--reference", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.reference:
        _write_still(*options.videos)
        return 0
    absent = [str(video) for video in options.videos if not video.exists()]
    if absent:
        print(f"compare_keypoints: no such video: {', '.join(absent)}", file=sys.stderr)
        return 2
    if options.mode == "noise":
        results = {video.stem: noise(video) for video in options.videos}
        print(table(results | {"all": merged(results.values())}))
        return 0
    os.environ.setdefault("SLR_PYTHON", sys.executable)
    good = True
    for mode in ("followed", "still"):
        if options.mode not in (mode, "both"):
            continue
        results = {
            video.stem: compared(
                core_landmarks(video, *(["--still"] if mode == "still" else [])),
                mediapipe_landmarks(video, mode == "still"),
            )
            for video in options.videos
        }
        results["all"] = merged(results.values())
        good &= within_limits(results["all"])
        print(f"\n{mode}:\n\n{table(results)}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
