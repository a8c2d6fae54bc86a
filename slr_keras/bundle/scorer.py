"""Recognition with a TFLite bundle: raw keypoints to glosses, without TensorFlow."""

from collections.abc import Iterator, Sequence

import numpy as np

from slr_keras.bundle.bundle import Bundle
from slr_keras.bundle.interpreter import SHIPPED, Interpreter, Launcher, RuntimeFailure
from slr_keras.data.batch import FrameSpec
from slr_keras.data.contract import KeypointContract
from slr_keras.data.preparation import Preparation
from slr_keras.data.rates import indices_at_rate
from slr_keras.decoding import DecodingConfig
from slr_keras.decoding.outputs import ENSEMBLE, CtcDecoder, SignDecoder, with_special_tokens
from slr_keras.recognition.recogniser import Recogniser
from slr_keras.recognition.scorer import Scorer, Scores
from slr_keras.utils.errors import UserError

KEYPOINTS, FRAMES, SCORES = "keypoints", "frames", "log_probabilities"


class RawPreparation(Preparation):
    """Raw keypoints at the frame rate of the contract; the files of a bundle prepare them.

    Args:
        contract: of the bundle.

    >>> import numpy as np
    >>> from slr_keras.bundle.scorer import RawPreparation
    >>> from slr_keras.data.contract import contract
    >>> preparation = RawPreparation(contract("coco_wholebody_133"))
    >>> np.stack(list(preparation.prepared(np.ones((18, 133, 3)), fps=50.0))).shape
    (9, 133, 3)
    """

    multiple = 1
    batch_frames = 1

    def __init__(self, contract: KeypointContract):
        self.contract = contract
        source = contract.source
        self.frame = FrameSpec(KEYPOINTS, (len(source.points), len(source.channels)))

    def prepared(self, clip: np.ndarray, fps: float | None = None) -> Iterator[np.ndarray]:
        """See `Preparation`; the clip is `(frames, source points, channels)`."""
        clip = np.asarray(clip, np.float32)
        if clip.shape[1:] != self.frame.shape:
            points, channels = self.frame.shape
            raise UserError(
                f"keypoints have shape {clip.shape}, but layout {self.contract.source.name!r} "
                f"needs (frames, {points} points, {channels} channels)"
            )
        if not len(clip):
            raise UserError("the clip has no frames")
        target = self.contract.fps
        indices = indices_at_rate(len(clip), target if fps is None else fps, target)
        return iter(clip[indices])


def padded_inputs(raw: np.ndarray, frames: int) -> dict[str, np.ndarray]:
    """The inputs of a bucket's file for a clip: the clip padded with zeros, and its length.

    Args:
        raw: `(frames, source points, source channels)`.
        frames: T, of the bucket.

    >>> import numpy as np
    >>> from slr_keras.bundle.scorer import padded_inputs
    >>> padded_inputs(np.ones((3, 5, 3)), 8)["keypoints"].shape
    (1, 8, 5, 3)
    """
    padded = np.zeros((1, frames, *raw.shape[1:]), np.float32)
    padded[0, : len(raw)] = raw
    return {KEYPOINTS: padded, FRAMES: np.int32([len(raw)])}


class BundleScorer(Scorer):
    """Scores clips with the files of a bundle, each of which runs in a child process.

    A clip is padded to the smallest bucket that holds it.

    Args:
        bundle: to run.
        precision: of the files; the first of the bundle by default.
        decoding: of the scores; by default that of the recipe.
        threads: of the runtime.
        launcher: of the runtime's process, see `Interpreter`.

    Raises:
        UserError: the bundle has no such precision, or the decoding does not fit the model.
    """

    def __init__(
        self,
        bundle: Bundle,
        precision: str | None = None,
        decoding: DecodingConfig | None = None,
        threads: int = 1,
        launcher: Launcher | None = None,
    ):
        self.bundle = bundle
        self.precision = bundle.chosen(precision)
        self.preparation = RawPreparation(bundle.contract)
        self.longest = bundle.buckets[-1]
        self.stride = bundle.step_frames
        heads = tuple(bundle.metadata["heads"])
        if bundle.output == "sign":
            self.decoder = SignDecoder(heads, decoding or bundle.decoding)
        else:
            self.decoder = CtcDecoder(heads)
        self._threads = threads
        self._launcher = launcher
        self._interpreters: dict[int, Interpreter] = {}

    def close(self) -> None:
        """End the child processes."""
        for interpreter in self._interpreters.values():
            interpreter.close()
        self._interpreters.clear()

    def score(self, clips: list[np.ndarray], names: Sequence[str] = ()) -> list[Scores]:
        """See `Scorer`; there is one set of scores, "ensemble"."""
        return [{ENSEMBLE: self._scored(clip)} for clip in clips]

    def _scored(self, raw: np.ndarray) -> np.ndarray:
        bucket = next(size for size in self.bundle.buckets if size >= len(raw))
        try:
            scores = self._interpreter(bucket).run(**padded_inputs(raw, bucket))[SCORES][0]
        except RuntimeFailure as error:
            # The process may have died of this clip: the next one gets another.
            self._interpreters.pop(bucket).close()
            raise UserError(f"{self.bundle.path}: {error}") from None
        if self.decoder.names_one_sign:
            return with_special_tokens(scores)
        return scores[: self.bundle.steps(len(raw))]

    def _interpreter(self, bucket: int) -> Interpreter:
        if bucket not in self._interpreters:
            file = self.bundle.file(self.precision, bucket)
            self._interpreters[bucket] = Interpreter(file, SHIPPED, self._threads, self._launcher)
        return self._interpreters[bucket]


def bundle_recogniser(
    bundle: Bundle,
    precision: str | None = None,
    decoding: DecodingConfig | None = None,
    threads: int = 1,
    launcher: Launcher | None = None,
) -> Recogniser:
    """A recogniser of a bundle, to be used in a `with` block; arguments as of `BundleScorer`.

    Example::

        with bundle_recogniser(Bundle.load("runs/demo/tflite")) as recogniser:
            print(recogniser.recognise(keypoints, fps=30).glosses)
    """
    scorer = BundleScorer(bundle, precision, decoding, threads, launcher)
    return Recogniser(bundle, decoding, scorer)
