"""The loader of a kind of clip, chosen by its contract."""

from slr_keras.data.contract_base import Contract
from slr_keras.data.loaders.base import Loader
from slr_keras.data.loaders.flow import FlowLoader
from slr_keras.data.loaders.keypoints import KeypointLoader
from slr_keras.data.loaders.options import FLOW, RGB, ClipOptions
from slr_keras.data.loaders.video import VideoLoader
from slr_keras.data.manifest import Manifest
from slr_keras.data.modality import KEYPOINTS, VIDEO
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.utils.errors import UserError

_LOADERS = {
    (KEYPOINTS, RGB): KeypointLoader,
    (VIDEO, RGB): VideoLoader,
    (VIDEO, FLOW): FlowLoader,
}


def loader_for(
    manifest: Manifest,
    vocabulary: Vocabulary,
    contract: Contract,
    options: ClipOptions | None = None,
) -> Loader:
    """A `KeypointLoader` for a keypoint contract, a `VideoLoader` for a frame contract.

    Args:
        manifest: the clips.
        vocabulary: turns glosses into labels.
        contract: says what a clip consists of.
        options: how clips are seen; its `stream` "flow" gives a `FlowLoader`.

    Raises:
        TypeError: no such kind of contract, or an augmentation of the other kind.
        UserError: see `Loader`; flow of clips that have no pictures.
    """
    options = options or ClipOptions()
    if not isinstance(contract, Contract):
        raise TypeError(f"no loader for a contract of type {type(contract).__name__}")
    if contract.modality == KEYPOINTS and options.stream == FLOW:
        raise UserError("data.stream is flow, but the model sees keypoints; set it to rgb")
    return _LOADERS[contract.modality, options.stream](manifest, vocabulary, contract, options)
