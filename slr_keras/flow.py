"""Estimate the optical flow of a data folder's clips, once, for models that see motion.

python -m slr_keras.flow data/wlasl100 --method dis
"""

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from slr_keras.utils.command import USER_MISTAKE, positive, run
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    from slr_keras.data.manifest import Manifest
    from slr_keras.data.video.flow_files import Recipe

_LISTED = 20
_EXAMPLE = """\
methods:
  tvl1       as published; seconds of one core for each pair of pictures of 320 x 256;
             needs OpenCV's contributed modules (opencv-contrib-python-headless)
  farneback  smooth, fast
  dis        fastest

example:
  python -m slr_keras.flow data/wlasl100 --method dis
  python -m slr_keras.fit configs/RECIPE.yaml --set data.stream=flow

Clips that have their flow already are left alone; change the method, the bound or a clip, and it
is made again. Stop it at any time, and give the same command to go on.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit code is 2 where a clip has no flow afterwards."""
    parser = argparse.ArgumentParser(
        prog="python -m slr_keras.flow",
        description="Estimate the optical flow of a data folder's clips and keep it in FOLDER/flow "
        "as 8-bit pictures, one file a clip, for recipes with data.stream: flow.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", help="data folder with frames.json and {train,dev,test}.jsonl")
    parser.add_argument(
        "--method", choices=("tvl1", "farneback", "dis"), default="tvl1", help="default tvl1"
    )
    parser.add_argument(
        "--bound",
        type=float,
        default=20.0,
        metavar="PIXELS",
        help="motion that the largest 8-bit value stands for; more is cut (default 20)",
    )
    parser.add_argument(
        "--format",
        choices=("png", "jpeg"),
        default="png",
        help="png keeps every value; jpeg is smaller and changes them a little (default png)",
    )
    parser.add_argument(
        "--workers",
        type=positive,
        default=os.cpu_count() or 1,
        metavar="N",
        help="clips at the same time (default: the number of cores)",
    )
    options = parser.parse_args(arguments)
    made, kept, failures = make_flow(
        Path(options.folder), options.method, options.bound, options.format, options.workers
    )
    size = sum(path.stat().st_size for path in Path(options.folder, "flow").rglob("*.zip"))
    print(
        f"{options.folder}: flow of {made} clips made, of {kept} there already; "
        f"{size / 2**20:.1f} MiB in flow/"
    )
    for failure in failures[:_LISTED]:
        print(f"error: {failure}", file=sys.stderr)
    if len(failures) > _LISTED:
        print(f"... and {len(failures) - _LISTED} more", file=sys.stderr)
    if failures:
        print(f"error: {len(failures)} clips have no flow", file=sys.stderr)
    return USER_MISTAKE if failures else 0


def make_flow(
    folder: Path, method: str, bound: float = 20.0, format: str = "png", workers: int = 1
) -> tuple[int, int, list[str]]:
    """Make what flow of a data folder's clips is missing, or was made otherwise.

    Args:
        folder: a data folder of video.
        method, bound, format: see `slr_keras.data.video.flow_files.Recipe`.
        workers: clips at the same time.

    Returns:
        How many clips got flow, how many had it, and what is wrong with the others.

    Raises:
        UserError: no such folder, no video in it, or a method that is not installed.
    """
    from tqdm import tqdm

    from slr_keras.data.manifest import FRAMES_FILE, read_folder
    from slr_keras.data.video.flow import METHODS
    from slr_keras.data.video.flow_files import FLOW, Recipe

    splits = read_folder(folder)
    if not (folder / FRAMES_FILE).is_file():
        raise UserError(f"{folder}: has no {FRAMES_FILE}, so it holds no video to see motion in")
    recipe = Recipe(method, next(iter(splits.values())).frame_contract.resize, bound, format)
    # Before the first clip: a method that is not installed fails every one.
    METHODS[method].make(METHODS[method].settings)
    _limit_threads()
    recipe.write(folder)
    # What a killed run was just writing.
    for leftover in (folder / FLOW).glob("*/.*.zip"):
        leftover.unlink(missing_ok=True)
    known: dict[Path, str] = {}
    counts, failures = {True: 0, False: 0}, []
    pool, stop = ThreadPoolExecutor(workers), Event()
    try:
        tasks = [
            pool.submit(_make_clip, manifest, row, recipe, known, stop)
            for manifest in splits.values()
            for row in range(len(manifest))
        ]
        for task in tqdm(as_completed(tasks), total=len(tasks), unit="clip", disable=None):
            try:
                counts[task.result()] += 1
            except UserError as error:
                failures.append(str(error))
    finally:
        # Nothing is left to do, or the user has had enough: a clip may take minutes.
        stop.set()
        pool.shutdown(cancel_futures=True)
    return counts[True], counts[False], sorted(failures)


def _make_clip(
    manifest: "Manifest", row: int, recipe: "Recipe", known: dict[Path, str], stop: Event
) -> bool:
    """Make the flow of a clip unless it is there; whether it had to be made."""
    import cv2

    from slr_keras.data.video.flow import fields_of
    from slr_keras.data.video.flow_files import (
        flow_file,
        is_made,
        record_of,
        source_bytes,
        source_digest,
        write_flow,
    )

    sample, path = manifest[row], flow_file(manifest.folder, manifest[row])
    try:
        if not sample.video:
            raise UserError("the sample has no video, only keypoints")
        source = source_digest(sample, manifest.folder, known)
        size = source_bytes(sample, manifest.folder)
    except UserError as error:
        raise UserError(f"{manifest.where(row)}: {error}") from error.__cause__
    record = record_of(recipe, sample.frames, source, size)
    if is_made(path, record):
        return False
    # Should the new one fail, there is none, rather than that of other pictures.
    path.unlink(missing_ok=True)
    pictures = _until(stop, manifest.video_frames(row))
    try:
        write_flow(path, fields_of(pictures, recipe.method, recipe.size, recipe.bound), record)
    except cv2.error as error:
        raise UserError(f"{manifest.where(row)}: OpenCV: {error}") from error
    return True


def _until(stop: Event, pictures: Iterable) -> Iterator:
    for picture in pictures:
        if stop.is_set():
            raise InterruptedError("stopped")
        yield picture


def _limit_threads() -> None:
    """One core a clip: OpenCV's own threads would wait for each other."""
    import cv2

    cv2.setNumThreads(1)


if __name__ == "__main__":
    run(main)
