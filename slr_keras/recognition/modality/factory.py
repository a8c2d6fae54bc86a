"""Choose the input modality of a contract."""

from slr_keras.data.contract import KeypointContract
from slr_keras.data.video.contract import FrameContract
from slr_keras.recognition.modality.base import Medium, Overrides
from slr_keras.recognition.modality.keypoints import KeypointMedium
from slr_keras.recognition.modality.video import VideoMedium


def medium_for(
    contract: KeypointContract | FrameContract, overrides: Overrides | None = None
) -> Medium:
    """The medium of a run, by its contract.

    Raises:
        UserError: the user says of video what only keypoints have.
    """
    kind = KeypointMedium if isinstance(contract, KeypointContract) else VideoMedium
    return kind(contract, overrides or Overrides())
