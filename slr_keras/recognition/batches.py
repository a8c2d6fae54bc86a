"""Clips through a recogniser, while they are read; one bad clip never stops the rest."""

from collections.abc import Callable, Iterator, Sequence

from slr_keras.recognition.clip import (
    Clip,
    Failure,
    Gloss,
    Prediction,
)
from slr_keras.recognition.modality.base import Footage, InputModality, Overrides
from slr_keras.recognition.modality.factory import modality_for
from slr_keras.recognition.recogniser import Recogniser
from slr_keras.recognition.result import Recognition
from slr_keras.utils.errors import UserError

# Read together, then sorted by length where it is known: enough to fill batches evenly, few
# enough for memory and for the first results to come soon.
_CLIPS_READ = 64
_FRAMES_READ = 16384


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
    modality = modality_for(recogniser.trained.contract, overrides)
    read: list[tuple[Clip, Footage | Failure]] = []
    frames = 0
    for clip in clips:
        footage = _footage(modality, clip, recogniser)
        read.append((clip, footage))
        frames += footage.length if isinstance(footage, Footage) else 0
        if len(read) >= _CLIPS_READ or frames >= _FRAMES_READ:
            yield from _recognise(recogniser, read, tick)
            read, frames = [], 0
    yield from _recognise(recogniser, read, tick)


def _footage(modality: InputModality, clip: Clip, recogniser: Recogniser) -> Footage | Failure:
    try:
        return modality.footage(clip, recogniser.preparation)
    except UserError as error:
        return Failure(clip.id, clip.source, str(error))
    except OSError as error:
        return Failure(clip.id, clip.source, f"{clip.source}: {error.strerror or error}")


def _recognise(
    recogniser: Recogniser,
    read: Sequence[tuple[Clip, Footage | Failure]],
    tick: Callable[[int], None],
) -> Iterator[Prediction | Failure]:
    results = {row: it for row, (_, it) in enumerate(read) if isinstance(it, Failure)}
    tick(len(results))
    # Shortest first, so that little is padded.
    rows = [row for row in range(len(read)) if row not in results]
    rows.sort(key=lambda row: read[row][1].length)
    found = recogniser.recognise_prepared(read[row][1].frames for row in rows)
    pairs = zip(rows, found, strict=True)
    for wanted in range(len(read)):
        while wanted not in results:
            row, recognition = next(pairs)
            results[row] = _result(*read[row], recognition)
            tick(1)
        yield results.pop(wanted)


def _result(
    clip: Clip, footage: Footage, recognition: Recognition | UserError
) -> Prediction | Failure:
    if isinstance(recognition, UserError):
        return Failure(clip.id, clip.source, str(recognition))
    frames, fps = footage.count()
    duration = frames / fps
    glosses = tuple(
        # The one step of a clip of less than four frames is longer than the clip.
        Gloss(gloss, start, min(end, duration), confidence)
        for gloss, (start, end), confidence in zip(
            recognition.glosses, recognition.times, recognition.confidences, strict=True
        )
    )
    notices = tuple(footage.notices)
    return Prediction(clip.id, clip.source, frames, fps, glosses, clip.reference, notices)
