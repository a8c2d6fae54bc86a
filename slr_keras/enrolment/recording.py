"""Encode recordings of signs, and say which of them cannot be enrolled."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from slr_keras.data.preparation import KeypointPreparation
from slr_keras.enrolment.encoding import Encoder, background_of, encoded
from slr_keras.enrolment.enrolment import EncoderIdentity, Enrolment, Example, enrolled
from slr_keras.enrolment.recordings import Recording
from slr_keras.enrolment.rest import hand_points, low_share, movement
from slr_keras.recognition.modality.base import Overrides
from slr_keras.recognition.modality.keypoints import KeypointInput
from slr_keras.utils.errors import UserError
from slr_keras.utils.failures import Failures

#: Frames of the shortest and of the longest recording of a sign.
SHORTEST, LONGEST = 4, 1500


@dataclass(frozen=True, eq=False)
class Take:
    """A prepared recording of a sign.

    Attributes:
        sign: its name.
        clip: `(frames, points, 3)`, prepared.
        source: its file, for the user.
        date: day of the recording; "" if unknown.
    """

    sign: str
    clip: np.ndarray
    source: str
    date: str = ""


def read_takes(
    recordings: Sequence[Recording],
    encoder: Encoder,
    overrides: Overrides,
    failures: Failures,
    advance: Callable[[int], None] = lambda clips: None,
) -> tuple[list[Take], list[str]]:
    """Read and prepare recordings; those that fail are passed over.

    Args:
        recordings: not read yet.
        encoder: whose contract prepares them.
        overrides: properties of the clips that the user states.
        failures: collects what was passed over, and why.
        advance: called with 1 after each recording.

    Returns:
        The recordings, and notices about their contents.
    """
    modality = KeypointInput(encoder.contract, overrides)
    preparation = KeypointPreparation(encoder.contract, multiple=1)
    takes: list[Take] = []
    notices: list[str] = []
    for recording in recordings:
        clip = recording.clip
        with failures.passing_over(clip.source):
            footage = modality.footage(clip, preparation)
            prepared = np.stack(list(footage.frames))
            require_signing(prepared, encoder, clip.source)
            takes.append(Take(recording.sign, prepared, clip.source))
            notices += footage.notices
        advance(1)
    return takes, notices


def require_signing(clip: np.ndarray, encoder: Encoder, where: str) -> None:
    """Refuse a recording that cannot show a sign.

    Args:
        clip: `(frames, points, 3)`, prepared.
        encoder: whose contract names the points of the hands.
        where: the recording, for messages.

    Raises:
        UserError: the recording is too short or too long, or shows no hand.
    """
    if not SHORTEST <= len(clip) <= LONGEST:
        raise UserError(
            f"{where}: has {len(clip)} frames; a recording of one sign has {SHORTEST} to {LONGEST}"
        )
    hands = [row for rows in hand_points(encoder.contract) for row in rows]
    if not (clip[:, hands, -1] > 0).any():
        raise UserError(f"{where}: no hand is seen in any frame; record the sign again")


def enrol(takes: Sequence[Take], encoder: Encoder, name: str) -> Enrolment:
    """Enrol recordings.

    Args:
        takes: at least one.
        encoder: encodes them.
        name: of the encoder's preset.

    Raises:
        UserError: there is no recording, or the encoder fails.
    """
    if not takes:
        raise UserError("no recording is left to enrol")
    clips = [take.clip for take in takes]
    hands = hand_points(encoder.contract)
    examples = [
        Example(
            take.source,
            len(take.clip),
            movement(take.clip, hands),
            low_share(take.clip, hands),
            take.date,
        )
        for take in takes
    ]
    return enrolled(
        EncoderIdentity.of(encoder, name),
        encoder.contract,
        [take.sign for take in takes],
        examples,
        encoded(encoder, clips),
        encoded(encoder, clips, mirrored=True),
        background_of(encoder),
    )
