"""Choose the input modality of a contract."""

from slr_keras.data.contract import KeypointContract
from slr_keras.data.modality import Modality
from slr_keras.data.video.contract import FrameContract
from slr_keras.recognition.modality.base import InputModality, Overrides
from slr_keras.recognition.modality.keypoints import KeypointInput
from slr_keras.recognition.modality.video import VideoInput

MODALITIES: dict[Modality, type[InputModality]] = {
    "keypoints": KeypointInput,
    "video": VideoInput,
}


def modality_for(
    contract: KeypointContract | FrameContract, overrides: Overrides | None = None
) -> InputModality:
    """The input modality of a contract.

    Raises:
        UserError: an override applies to keypoints only, and the contract is of video.
    """
    return MODALITIES[contract.modality](contract, overrides or Overrides())
