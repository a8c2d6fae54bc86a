"""Recognition with a served model: the server computes the scores, the client decodes them."""

from collections.abc import Sequence

import numpy as np

from export.graph.inputs import graph_input
from export.graph.names import CONTEXT, FRAMES, LENGTHS, LOGITS
from export.serving.assets import Assets
from export.serving.client import Client
from slr_keras.bundle.exported_files import labels
from slr_keras.bundle.scorer import RawPreparation
from slr_keras.data.batch import FrameSpec
from slr_keras.data.preparation import VideoPreparation
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.video.pixels import Window
from slr_keras.decoding import DecodingConfig
from slr_keras.decoding.context_outputs import ContextCtcDecoder, TransducerDecoder
from slr_keras.decoding.outputs import (
    ENSEMBLE,
    CtcDecoder,
    Decoder,
    SignDecoder,
    with_special_tokens,
)
from slr_keras.recognition.recogniser import Recogniser
from slr_keras.recognition.scorer import Scorer, Scores
from slr_keras.utils.files import guarded

# Prefixes of a request: no more than the largest batch of a server.
_PREFIXES = 8


class PicturePreparation(VideoPreparation):
    """Pictures at the frame rate and size of the contract, which the graph crops.

    The graph does not resize pictures of this size again. Requests are therefore small, and the
    model reads the same pixels as in `predict`.

    >>> import numpy as np
    >>> from export.serving.scorer import PicturePreparation
    >>> from slr_keras.data.video.contract import FrameContract
    >>> preparation = PicturePreparation(FrameContract((96, 64), crop=(56, 56)))
    >>> np.stack(list(preparation.prepared(np.zeros((9, 64, 96, 3), np.uint8)))).shape
    (9, 64, 96, 3)
    """

    # A request holds one clip or one window of a clip.
    batch_frames = 1

    def __init__(self, contract: FrameContract):
        super().__init__(contract, 1)
        width, height = contract.resize
        self.frame = FrameSpec(FRAMES, (height, width, 3), "uint8")
        self._window = Window.centre((height, width), (height, width))


PREPARATIONS = {"keypoints": RawPreparation, "video": PicturePreparation}


class ServedScorer(Scorer):
    """Scores clips with a served model.

    Args:
        client: of the model.
        assets: of the version, or of a version with the same labels and contract.
        decoding: of the scores, on the client.

    Raises:
        UserError: the decoding does not fit the model.
    """

    def __init__(self, client: Client, assets: Assets, decoding: DecodingConfig):
        self.client = client
        self.assets = assets
        self.content = graph_input(assets.contract)
        self.repeats_last = self.content.repeats_last
        self.preparation = PREPARATIONS[assets.modality](assets.contract)
        self.longest = assets.longest
        self.stride = assets.description["stride"] or 1
        self.levels = (ENSEMBLE,)
        self.decoder = self._decoder(decoding)

    def context_logits(self, level: str, prefixes: Sequence[Sequence[int]]) -> np.ndarray:
        """Logits `(prefixes, classes)` that gloss prefixes add to the scores.

        Args:
            level: of the model; a server has one.
            prefixes: gloss ids so far.
        """
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

    def score(self, clips: list[np.ndarray], names: Sequence[str] = ()) -> list[Scores]:
        """See `Scorer`; there is one set of scores, "ensemble"."""
        return [{ENSEMBLE: self._scored(clip)} for clip in clips]

    def _scored(self, raw: np.ndarray) -> np.ndarray:
        """Scores of frames that the model takes at once, padded to the next bucket."""
        frames = next((size for size in self.assets.buckets if size >= len(raw)), len(raw))
        padded = np.zeros((1, frames, *raw.shape[1:]), raw.dtype)
        padded[0, : len(raw)] = raw
        outputs = self.client.predict({self.content.name: padded, LENGTHS: np.int32([len(raw)])})
        with guarded(self.client.target.url, "the answer holds no scores"):
            scores = outputs[LOGITS]
            single = self.decoder.names_one_sign
            scores = scores if single else scores[0, : int(outputs[LENGTHS][0])]
            columns = len(labels(self.assets.vocabulary, self.assets.output))
            if scores.ndim != 2 or scores.shape[1] != columns or scores.dtype.kind != "f":
                raise ValueError(f"{scores.shape} of {scores.dtype}, where {columns} classes are")
        return with_special_tokens(scores) if single else scores

    def _decoder(self, decoding: DecodingConfig) -> Decoder:
        if self.assets.output == "sign":
            return SignDecoder((ENSEMBLE,), decoding)
        form = self.assets.description["decoding"]["greedy"]
        if form == CtcDecoder.greedy_form:
            return CtcDecoder()
        kind = ContextCtcDecoder if form == ContextCtcDecoder.greedy_form else TransducerDecoder
        # The scorer replaces the model: it has levels and computes the contexts of glosses.
        return kind(self)


def served_recogniser(
    client: Client, assets: Assets, decoding: DecodingConfig | None = None
) -> Recogniser:
    """A recogniser of a served model: the server computes the scores, the client decodes them.

    The client can decode with a beam and with the gloss language model of the assets.

    Args:
        client: of the model.
        assets: of the version.
        decoding: of the scores; by default that of the recipe.

    Raises:
        UserError: the decoding does not fit the model.

    Example::

        with connect("grpc://127.0.0.1:8500/stark") as client:
            recogniser = served_recogniser(client, Assets.load("served/stark"))
            print(recogniser.recognise(keypoints, fps=30).glosses)
    """
    decoding = decoding or assets.decoding
    return Recogniser(assets, decoding, ServedScorer(client, assets, decoding))
