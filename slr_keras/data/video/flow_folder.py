"""Estimate the optical flow of all clips of a data folder, in parallel."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from slr_keras.data.manifest import FRAMES_FILE, Manifest, read_folder
from slr_keras.data.video import flow as estimation
from slr_keras.data.video.flow_files import (
    FLOW,
    Recipe,
    flow_file,
    is_made,
    record_of,
    source_bytes,
    source_digest,
    write_flow,
)
from slr_keras.utils.errors import UserError
from slr_keras.utils.failures import ERRORS, Failures
from slr_keras.utils.working_folder import remove_leftovers


@dataclass(frozen=True)
class FlowReport:
    """Result of `make_flow`.

    Attributes:
        made: number of clips whose flow was estimated.
        kept: number of clips whose flow existed already.
        failures: the other clips, by the order of their reasons.
    """

    made: int
    kept: int
    failures: Failures


def flow_bytes(folder: Path) -> int:
    """Size of the flow files of a data folder, in bytes."""
    return sum(path.stat().st_size for path in (folder / FLOW).rglob("*.zip"))


def make_flow(
    folder: Path, method: str, bound: float = 20.0, format: str = "png", workers: int = 1
) -> FlowReport:
    """Estimate the flow of the clips that have none, or whose flow was made with other settings.

    Args:
        folder: data folder of video.
        method, bound, format: see `slr_keras.data.video.flow_files.Recipe`.
        workers: number of clips processed in parallel.

    Raises:
        UserError: the folder does not exist or has no video, or the method is not installed.
    """
    from tqdm import tqdm

    splits = read_folder(folder)
    if not (folder / FRAMES_FILE).is_file():
        raise UserError(f"{folder}: has no {FRAMES_FILE}, so there is no video to estimate flow of")
    recipe = Recipe(method, next(iter(splits.values())).frame_contract.resize, bound, format)
    # A method that is not installed would fail for every clip.
    estimator = estimation.METHODS[method]
    estimator.make(estimator.settings)
    _limit_threads()
    recipe.write(folder)
    remove_leftovers(folder / FLOW, recursive=True)
    # Of earlier versions, which did not lock what they were writing.
    for leftover in (folder / FLOW).glob("*/.*.zip"):
        leftover.unlink(missing_ok=True)
    known: dict[Path, str] = {}
    counts, failures = {True: 0, False: 0}, Failures("clip")
    pool, stop = ThreadPoolExecutor(workers), Event()
    try:
        tasks = {
            pool.submit(_make_clip, manifest, row, recipe, known, stop): manifest.where(row)
            for manifest in splits.values()
            for row in range(len(manifest))
        }
        for task in tqdm(as_completed(tasks), total=len(tasks), unit="clip", disable=None):
            with failures.passing_over(tasks[task]):
                counts[task.result()] += 1
    finally:
        # After Ctrl-C too: a clip may take minutes.
        stop.set()
        pool.shutdown(cancel_futures=True)
    failures.failed.sort()
    failures.write(folder / FLOW / ERRORS)
    return FlowReport(counts[True], counts[False], failures)


def _make_clip(
    manifest: Manifest, row: int, recipe: Recipe, known: dict[Path, str], stop: Event
) -> bool:
    """Estimate the flow of a clip unless it exists; returns whether it was estimated."""
    import cv2

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
    # If the new estimate fails, no flow remains rather than the flow of other pictures.
    path.unlink(missing_ok=True)
    pictures = _until(stop, manifest.video_frames(row))
    try:
        write_flow(
            path, estimation.fields_of(pictures, recipe.method, recipe.size, recipe.bound), record
        )
    except cv2.error as error:
        raise UserError(f"{manifest.where(row)}: OpenCV: {error}") from error
    return True


def _until(stop: Event, pictures: Iterable) -> Iterator:
    """The pictures, until the event is set."""
    for picture in pictures:
        if stop.is_set():
            raise InterruptedError("stopped")
        yield picture


def _limit_threads() -> None:
    """Use one core per clip: OpenCV's own threads would wait for each other."""
    import cv2

    cv2.setNumThreads(1)
