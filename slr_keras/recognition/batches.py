"""Recognise clips while they are read; a clip that fails does not stop the others."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

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
from slr_keras.utils.failures import as_user_error

# Clips and frames that are read together, then sorted by length where the length is known: enough
# to fill batches evenly, few enough to limit memory and the delay of the first results.
_CLIPS_READ = 64
_FRAMES_READ = 16384


def recognise_clips(
    recogniser: Recogniser,
    clips: Sequence[Clip],
    overrides: Overrides | None = None,
    advance: Callable[[int], None] = lambda clips: None,
) -> Iterator[Prediction | Failure]:
    """Recognise clips.

    Results come in the order of the clips. A result does not depend on the other clips.

    Args:
        recogniser: recogniser of a trained model.
        clips: clips, not read yet.
        overrides: properties of the clips that the user states.
        advance: called with the number of clips finished since the last call.
    """
    modality = modality_for(recogniser.trained.contract, overrides)
    read: list[tuple[Clip, Footage | Failure]] = []
    frames = 0
    for clip in clips:
        footage = _footage(modality, clip, recogniser)
        read.append((clip, footage))
        frames += footage.length if isinstance(footage, Footage) else 0
        if len(read) >= _CLIPS_READ or frames >= _FRAMES_READ:
            yield from _recognise(recogniser, read, advance)
            read, frames = [], 0
    yield from _recognise(recogniser, read, advance)


def _footage(modality: InputModality, clip: Clip, recogniser: Recogniser) -> Footage | Failure:
    try:
        return modality.footage(clip, recogniser.preparation)
    except Exception as error:
        return _failure(clip, as_user_error(error, clip.source))


def _frames(clip: Clip, footage: Footage) -> Iterator[np.ndarray]:
    """The frames of a clip; whatever their reader raises becomes an error of the clip."""
    try:
        yield from footage.frames
    except Exception as error:
        raise as_user_error(error, clip.source) from error


def _failure(clip: Clip, error: UserError) -> Failure:
    """The failure of a clip, whose message names the clip."""
    message = str(error)
    return Failure(
        clip.id, clip.source, message if clip.source in message else f"{clip.source}: {message}"
    )


def _recognise(
    recogniser: Recogniser,
    read: Sequence[tuple[Clip, Footage | Failure]],
    advance: Callable[[int], None],
) -> Iterator[Prediction | Failure]:
    results = {row: item for row, (_, item) in enumerate(read) if isinstance(item, Failure)}
    advance(len(results))
    # Shortest first, to minimise padding.
    rows = [row for row in range(len(read)) if row not in results]
    rows.sort(key=lambda row: read[row][1].length)
    recognitions = recogniser.recognise_prepared(_frames(*read[row]) for row in rows)
    pairs = zip(rows, recognitions, strict=True)
    for wanted in range(len(read)):
        while wanted not in results:
            row, recognition = next(pairs)
            results[row] = _result(*read[row], recognition, recogniser.names_one_sign)
            advance(1)
        yield results.pop(wanted)


def _result(
    clip: Clip, footage: Footage, recognition: Recognition | UserError, whole: bool
) -> Prediction | Failure:
    if isinstance(recognition, UserError):
        return _failure(clip, recognition)
    frames, fps = footage.count()
    duration = frames / fps
    glosses = tuple(
        # The only step of a clip with fewer than four frames is longer than the clip. The one sign
        # of a clip lasts as long as it, with the frames that fill no step.
        Gloss(gloss, start, duration if whole else min(end, duration), confidence)
        for gloss, (start, end), confidence in zip(
            recognition.glosses, recognition.times, recognition.confidences, strict=True
        )
    )
    notices = tuple(footage.notices)
    return Prediction(
        clip.id,
        clip.source,
        frames,
        fps,
        glosses,
        clip.reference,
        notices,
        recognition.alternatives,
    )
