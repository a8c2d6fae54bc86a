"""From a clip to glosses with a served model: the server scores, the client decodes."""

from collections.abc import Sequence

import numpy as np

from export.graph.endpoints import (
    CONTEXT,
    FRAMES,
    KEYPOINTS,
    LENGTHS,
    LOGITS,
)
from export.serving.assets import Assets
from export.serving.client import Client
from slr_keras.bundle.recogniser import RawPreparation
from slr_keras.data.batch import FrameSpec
from slr_keras.data.preparation import Preparation, VideoPreparation
from slr_keras.data.sampling import REDUCTION
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.video.pixels import Window
from slr_keras.decoding import DecodingConfig
from slr_keras.decoding.outputs import (
    ENSEMBLE,
    ContextCtcReadout,
    CtcReadout,
    IsolatedReadout,
    Readout,
    TransducerReadout,
)
from slr_keras.recognition.windowed import OneByOne

# Of a request: a server takes as many rows as its largest batch.
_PREFIXES = 8


class PicturePreparation(VideoPreparation):
    """Pictures at the contract's rate and size, not cut: the graph cuts them.

    The graph resizes, too, and leaves alone what has the size already: what is sent is small, and
    the model sees the very pixels that it sees in `predict`.

    >>> import numpy as np
    >>> from export.serving.recogniser import PicturePreparation
    >>> from slr_keras.data.video.contract import FrameContract
    >>> preparation = PicturePreparation(FrameContract((96, 64), crop=(56, 56)))
    >>> np.stack(list(preparation.prepared(np.zeros((9, 64, 96, 3), np.uint8)))).shape
    (9, 64, 96, 3)
    """

    def __init__(self, contract: FrameContract):
        super().__init__(contract, 1)
        width, height = contract.resize
        self.frame = FrameSpec(FRAMES, (height, width, 3), "uint8")
        self._window = Window.centre((height, width), (height, width))


class ServedRecogniser(OneByOne):
    """Recognises clips with a served model.

    Clips that are longer than the model takes are read in overlapping windows whose scores are
    joined; a clip of one sign gives evenly spaced frames. Scores are decoded here, with a beam and
    with the gloss language model among the assets if the decoding asks for it.

    Args:
        client: of the model.
        assets: of the version, or of one with the same labels and contract.
        decoding: how to decode, the run's own way by default.

    Raises:
        UserError: the decoding does not fit the model.

    Example::

        with connect("grpc://127.0.0.1:8500/stark") as client:
            recogniser = ServedRecogniser(client, Assets.load("served/stark"))
            print(recogniser.recognise(keypoints, fps=30).glosses)
    """

    def __init__(self, client: Client, assets: Assets, decoding: DecodingConfig | None = None):
        self.client = client
        # Named as a recogniser of runs names what it recognises with.
        self.run = assets
        self.decoding = decoding or assets.decoding
        self.language_model = assets.language_model(self.decoding)
        self._video = isinstance(assets.contract, FrameContract)
        kind = PicturePreparation if self._video else RawPreparation
        self.preparation: Preparation = kind(assets.contract)
        self.longest = assets.longest
        self.readout = self._made_readout()

    def context_logits(self, level: str, prefixes: Sequence[Sequence[int]]) -> np.ndarray:
        """What glosses so far add to the scores, `(prefixes, classes)`; for decoding."""
        lengths = np.array([len(prefix) for prefix in prefixes], np.int32)
        labels = np.zeros((len(prefixes), 4 * max(1, -(-int(lengths.max()) // 4))), np.int32)
        for row, prefix in zip(labels, prefixes):
            row[: len(prefix)] = prefix
        parts = [
            self.client.predict(
                {
                    "prefixes": labels[first : first + _PREFIXES],
                    LENGTHS: lengths[first : first + _PREFIXES],
                },
                CONTEXT,
            )
            for first in range(0, len(labels), _PREFIXES)
        ]
        return np.concatenate([part[LOGITS] for part in parts])

    def _made_readout(self) -> Readout:
        if self.run.isolated:
            return IsolatedReadout((ENSEMBLE,), self.decoding)
        form = self.run.description["decoding"]["greedy"]
        if form == "ctc":
            return CtcReadout()
        # As a model has them, which is what the readout asks.
        self.levels = (ENSEMBLE,)
        return (ContextCtcReadout if form == "ctc_context" else TransducerReadout)(self)

    def _whole_steps(self, raw: np.ndarray) -> np.ndarray:
        """See `OneByOne`; pictures are filled up with the last one."""
        if not self._video:
            return super()._whole_steps(raw)
        return np.concatenate([raw, np.repeat(raw[-1:], -len(raw) % REDUCTION, 0)])

    def _scored(self, raw: np.ndarray) -> np.ndarray:
        """Scores of frames that the model takes at once, padded to the next bucket."""
        frames = next((size for size in self.run.buckets if size >= len(raw)), len(raw))
        padded = np.zeros((1, frames, *raw.shape[1:]), raw.dtype)
        padded[0, : len(raw)] = raw
        content = FRAMES if self._video else KEYPOINTS
        found = self.client.predict({content: padded, LENGTHS: np.int32([len(raw)])})
        if self.run.isolated:
            return found[LOGITS]
        return found[LOGITS][0, : int(found[LENGTHS][0])]
