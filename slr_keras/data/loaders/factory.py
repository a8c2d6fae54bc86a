"""The loader of a kind of clip, chosen by its contract."""

from slr_keras.data.augmentation import AugmentationConfig
from slr_keras.data.contract import KeypointContract
from slr_keras.data.loaders.base import Loader
from slr_keras.data.loaders.flow import FlowClipLoader
from slr_keras.data.loaders.keypoints import ClipLoader
from slr_keras.data.loaders.video import VideoClipLoader
from slr_keras.data.manifest import Manifest
from slr_keras.data.sampling import MAX_FRAMES
from slr_keras.data.segments import Segments
from slr_keras.data.video.augmentation import VideoAugmentationConfig
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.utils.errors import UserError

RGB, FLOW = STREAMS = ("rgb", "flow")

_KINDS = {
    KeypointContract: (ClipLoader, AugmentationConfig),
    FrameContract: (VideoClipLoader, VideoAugmentationConfig),
}


def loader_for(
    manifest: Manifest,
    vocabulary: Vocabulary,
    contract: KeypointContract | FrameContract,
    augmentation: AugmentationConfig | VideoAugmentationConfig | None = None,
    seed: int = 0,
    max_frames: int = MAX_FRAMES,
    unknown: str = "error",
    ctc_epochs: int | None = None,
    segments: Segments | None = None,
    stream: str = RGB,
) -> Loader:
    """A `ClipLoader` for a keypoint contract, a `VideoClipLoader` for a frame contract.

    Args:
        manifest, vocabulary, seed, max_frames, unknown, ctc_epochs, segments: see `Loader`.
        contract: says what a clip consists of.
        augmentation: of the same kind; None changes nothing.
        stream: what is seen of pictures: "rgb", or "flow" for a `FlowClipLoader`.

    Raises:
        TypeError: no such kind of contract, or an augmentation of the other kind.
        UserError: see `Loader`; flow of clips that have no pictures.
    """
    if type(contract) not in _KINDS:
        raise TypeError(f"no loader for a contract of type {type(contract).__name__}")
    loader, config = _KINDS[type(contract)]
    if not isinstance(augmentation, config | None):
        raise TypeError(f"{loader.__name__} needs {config.__name__}, not {augmentation!r}")
    if stream == FLOW:
        if loader is ClipLoader:
            raise UserError("data.stream is flow, but the model sees keypoints; set it to rgb")
        loader = FlowClipLoader
    return loader(
        manifest,
        vocabulary,
        contract,
        augmentation,
        seed,
        max_frames,
        unknown,
        ctc_epochs,
        segments,
    )
