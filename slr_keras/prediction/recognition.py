"""Clips of similar length together through a recogniser; one bad clip never stops the rest."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from slr_keras.data.layout import KeypointLayout
from slr_keras.errors import UserError
from slr_keras.prediction.clip import Clip, Failure, Gloss, Prediction
from slr_keras.prediction.conform import conform
from slr_keras.recognise import Recogniser, Recognition

# Read together, then sorted by length: enough to fill batches evenly, few enough for memory and
# for the first results to come soon.
_CLIPS_READ = 64
_FRAMES_READ = 16384
_BATCH_CLIPS = 16
_BATCH_FRAMES = 6400
_FRAME_RATES = (1.0, 1000.0)


@dataclass(frozen=True)
class Overrides:
    """What the user says about the clips, before anything that files say.

    Attributes:
        layout: of their points; fps: frames a second; image_size: in the units of x and y.
    """

    layout: KeypointLayout | None = None
    fps: float | None = None
    image_size: tuple[float, float] | None = None


@dataclass(frozen=True)
class _Loaded:
    clip: Clip
    values: np.ndarray
    fps: float
    notices: tuple[str, ...]


def recognise_clips(
    recogniser: Recogniser,
    clips: Sequence[Clip],
    overrides: Overrides | None = None,
    tick: Callable[[int], None] = lambda clips: None,
) -> Iterator[Prediction | Failure]:
    """Recognise clips; results come in their order, each as if the clip were alone.

    Args:
        recogniser: of a trained run.
        clips: not read yet.
        overrides: what the user says about all of them.
        tick: told how many clips are done, time and again.
    """
    overrides = overrides or Overrides()
    read: list[_Loaded | Failure] = []
    frames = 0
    for clip in clips:
        read.append(_load(clip, recogniser, overrides))
        frames += len(read[-1].values) if isinstance(read[-1], _Loaded) else 0
        if len(read) >= _CLIPS_READ or frames >= _FRAMES_READ:
            yield from _recognise(recogniser, read, tick)
            read, frames = [], 0
    yield from _recognise(recogniser, read, tick)


def _load(clip: Clip, recogniser: Recogniser, overrides: Overrides) -> _Loaded | Failure:
    contract = recogniser.run.contract
    try:
        points = clip.read()
        if overrides.image_size is not None:
            points = replace(points, image_size=overrides.image_size)
        values, notices = conform(points, contract, clip.source, overrides.layout)
        fps = overrides.fps or points.fps
        fps = contract.fps if fps is None else float(fps)
        low, high = _FRAME_RATES
        if not low <= fps <= high:
            raise UserError(
                f"{clip.source}: its frame rate is {fps:g}; a rate is {low:g} to {high:g} frames "
                "per second; correct it or pass --fps"
            )
    except UserError as error:
        return Failure(clip.id, clip.source, str(error))
    except OSError as error:
        return Failure(clip.id, clip.source, f"{clip.source}: {error.strerror or error}")
    return _Loaded(clip, values, fps, tuple(notices))


def _recognise(
    recogniser: Recogniser, read: Sequence[_Loaded | Failure], tick: Callable[[int], None]
) -> Iterator[Prediction | Failure]:
    results: list[Prediction | Failure | None] = [
        item if isinstance(item, Failure) else None for item in read
    ]
    tick(sum(result is not None for result in results))
    for batch in _batches(read):
        loaded = [read[row] for row in batch]
        found = recogniser.recognise_batch([a.values for a in loaded], [a.fps for a in loaded])
        for row, item, recognition in zip(batch, loaded, found, strict=True):
            results[row] = _prediction(item, recognition)
        tick(len(batch))
    yield from results


def _batches(read: Sequence[_Loaded | Failure]) -> Iterator[list[int]]:
    """Rows of the clips that were read, shortest first, so that little is padded."""
    rows = [row for row, item in enumerate(read) if isinstance(item, _Loaded)]
    batch: list[int] = []
    for row in sorted(rows, key=lambda row: len(read[row].values)):
        padded = (len(batch) + 1) * len(read[row].values)
        if batch and (len(batch) == _BATCH_CLIPS or padded > _BATCH_FRAMES):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _prediction(loaded: _Loaded, recognition: Recognition) -> Prediction:
    clip, frames = loaded.clip, len(loaded.values)
    duration = frames / loaded.fps
    glosses = tuple(
        # The one step of a clip of less than four frames is longer than the clip.
        Gloss(gloss, start, min(end, duration), confidence)
        for gloss, (start, end), confidence in zip(
            recognition.glosses, recognition.times, recognition.confidences, strict=True
        )
    )
    return Prediction(
        clip.id, clip.source, frames, loaded.fps, glosses, clip.reference, loaded.notices
    )
