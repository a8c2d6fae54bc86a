"""Choose the loader for a contract and a stream."""

from slr_keras.data.contract_base import Contract
from slr_keras.data.loaders.base import Loader
from slr_keras.data.loaders.composed import ComposedLoader
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
        vocabulary: maps glosses to labels.
        contract: keypoint contract or frame contract.
        options: how clips are cut, augmented and labelled; `stream` "flow" gives a `FlowLoader`,
            `composition` a `ComposedLoader`.

    Raises:
        TypeError: the contract has an unknown type, or the augmentation is of another modality.
        UserError: see `Loader`; or `stream` is "flow" and the contract is of keypoints, or
            `composition` is given and the contract is of video.
    """
    options = options or ClipOptions()
    if not isinstance(contract, Contract):
        raise TypeError(f"no loader for a contract of type {type(contract).__name__}")
    if contract.modality == KEYPOINTS and options.stream == FLOW:
        raise UserError("data.stream is flow, but the model reads keypoints; set it to rgb")
    if options.composition is not None:
        if contract.modality != KEYPOINTS:
            raise UserError("composition joins clips of keypoints; set composition.fraction to 0")
        return ComposedLoader(manifest, vocabulary, contract, options)
    return _LOADERS[contract.modality, options.stream](manifest, vocabulary, contract, options)
