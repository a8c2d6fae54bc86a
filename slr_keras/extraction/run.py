"""Extract many videos in parallel; a failed video does not stop the others."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slr_keras.data.sample import Sample
from slr_keras.data.video.flow_files import source_digest
from slr_keras.extraction.clip_files import clip_file, is_made, read_clip_file, write_clip
from slr_keras.extraction.folder import folder_contract, write_data_folder
from slr_keras.extraction.frames import LandmarkFrames, landmark_frames
from slr_keras.extraction.report import Report
from slr_keras.extraction.settings import Settings
from slr_keras.extraction.sheet import draw_sheet
from slr_keras.extraction.sources import Source
from slr_keras.utils.failures import reason_of
from slr_keras.utils.working_folder import remove_leftovers

CLIPS, SHEETS = "clips", "sheets"


@dataclass
class Job:
    """Extraction of single videos into one folder.

    Attributes:
        folder: to write.
        settings: of MediaPipe, with `fps`.
        normalisation: of the data folder's contract.
        patience: seconds without a frame after which a video counts as failed.
        sheets: whether to draw contact sheets.
    """

    folder: Path
    settings: Settings
    normalisation: str = "body"
    patience: float = 120.0
    sheets: bool = False
    _open: set[LandmarkFrames] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopped: bool = False
    _known: dict[Path, str] = field(default_factory=dict)

    def do(self, source: Source) -> bool:
        """Extract the keypoints of one clip, unless its file is up to date.

        Returns:
            Whether the keypoints were extracted.

        Raises:
            UserError: the video cannot be read, or MediaPipe crashed or hung; names the video.
            InterruptedError: `stop` was called.
        """
        path, record = self.file(source), self._record(source)
        made = not is_made(path, record)
        if made:
            # If the extraction fails, no file is better than one of other pictures.
            path.unlink(missing_ok=True)
            frames = self._begun(source)
            try:
                points = (frame.points for frame in frames)
                write_clip(path, points, self.settings.fps, lambda: frames.image_size, record)
            finally:
                frames.close()
                self._open.discard(frames)
        if self.sheets:
            self._draw(source, path, anew=made)
        return made

    def file(self, source: Source) -> Path:
        """Path of a clip's keypoints."""
        return clip_file(self.folder / CLIPS, source.file)

    def stop(self) -> None:
        """Stop the extractions of all threads."""
        with self._lock:
            self._stopped = True
            for frames in self._open:
                frames.stop()

    def _begun(self, source: Source) -> LandmarkFrames:
        with self._lock:
            if self._stopped:
                raise InterruptedError("stopped")
            frames = landmark_frames(
                source.path,
                self.settings,
                still_rate=source.fps or self.settings.fps,
                window=source.window,
                patience=self.patience,
            )
            self._open.add(frames)
        return frames

    def _record(self, source: Source) -> dict[str, Any]:
        """The record of a clip's file; the clip is extracted again if it differs."""
        window = source.window
        sample = Sample(
            source.id,
            (),
            window.frames if window else _array_length(source.path),
            video=str(source.path.absolute()),
            video_start=window.first if window else None,
        )
        digest = source_digest(sample, source.path.parent, self._known)
        record = {**self.settings.to_json(), "still_rate": source.fps, "source": digest}
        if window and window.times:
            record["times"] = window.times.to_json()
        return record

    def _draw(self, source: Source, path: Path, anew: bool) -> None:
        sheet = clip_file(self.folder / SHEETS, source.file).with_suffix(".png")
        if anew or not sheet.exists():
            raw, size = read_clip_file(path)
            draw_sheet(source, raw, folder_contract(size, self.settings.fps), sheet)


def _array_length(path: Path) -> int:
    if path.suffix != ".npy":
        return 0
    from slr_keras.data.arrays import read_npy

    array = read_npy(path)
    return len(array) if array.ndim else 0


def extract(sources: Sequence[Source], job: Job, workers: int = 1) -> tuple[Report, int]:
    """Extract the keypoints of clips and write the data folder of those that succeeded.

    Args:
        sources: the clips, each with a split.
        job: extracts each clip.
        workers: number of clips at the same time.

    Returns:
        The detection statistics, and the number of clips that were extracted.
    """
    remove_leftovers(job.folder, recursive=True)
    made: dict[int, bool] = {}
    failures: dict[int, str] = {}
    for number, done in _each(sources, job, workers):
        try:
            made[number] = done.result()
        except Exception as error:
            failures[number] = _named(error, sources[number])
    clips = [(source, job.file(source)) for n, source in enumerate(sources) if n in made]
    failed = [(sources[n], failures[n]) for n in sorted(failures)]
    settings = job.settings.to_json()
    if clips:
        rules = settings, job.settings.fps, job.normalisation
        report = write_data_folder(job.folder, clips, failed, *rules)
    else:
        report = Report(settings, [], {str(source.path): why for source, why in failed})
        report.write(job.folder)
    return report, sum(made.values())


def _each(sources: Sequence[Source], job: Job, workers: int) -> Iterator[tuple[int, Future]]:
    """Finished clips in the order of completion, with their numbers."""
    from tqdm import tqdm

    pool = ThreadPoolExecutor(workers)
    try:
        numbers = {pool.submit(job.do, source): n for n, source in enumerate(sources)}
        for done in tqdm(as_completed(numbers), total=len(numbers), unit="clip", disable=None):
            yield numbers[done], done
    finally:
        # At the end, or when the user interrupts: a clip may take minutes.
        job.stop()
        pool.shutdown(cancel_futures=True)


def _named(error: Exception, source: Source) -> str:
    text = reason_of(error, str(source.path))
    return text if str(source.path) in text else f"{source.path}: {text}"
