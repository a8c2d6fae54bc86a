"""From raw keypoints to glosses with a bundle, as an app does it; TensorFlow is not needed."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from slr_keras.bundle.bundle import Bundle
from slr_keras.bundle.interpreter import SHIPPED, Interpreter, Launcher, RuntimeFailure
from slr_keras.data.batch import FrameSpec
from slr_keras.data.contract import KeypointContract
from slr_keras.data.preparation import Preparation
from slr_keras.data.rates import at_rate, steady
from slr_keras.data.sampling import REDUCTION
from slr_keras.decoding import DecodingConfig, Hypothesis
from slr_keras.errors import UserError
from slr_keras.prediction.whole import sampled
from slr_keras.prediction.windows import cut_windows, join
from slr_keras.readout import ENSEMBLE, FIRST_GLOSS, CtcReadout, IsolatedReadout
from slr_keras.recognise import Recognition

KEYPOINTS, FRAMES, SCORES = "keypoints", "frames", "log_probabilities"


class RawPreparation(Preparation):
    """Raw keypoints at the contract's frame rate: the files prepare them themselves.

    Args:
        contract: of the bundle.

    >>> import numpy as np
    >>> from slr_keras.bundle.recogniser import RawPreparation
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
                f"means (frames, {points} points, {channels} channels)"
            )
        target = self.contract.fps
        indices = list(at_rate(steady(range(len(clip)), target if fps is None else fps), target))
        if not indices:
            raise UserError("the clip has no frames")
        return iter(clip[indices])


class BundleRecogniser:
    """Recognises clips with a bundle; a context manager, for its files run in processes.

    A clip goes into the smallest bucket that holds it. A longer one than the largest is read in
    overlapping windows whose outputs are joined; a clip of one sign gives evenly spaced frames.

    Args:
        bundle: to recognise with.
        precision: of its files; the bundle's first by default.
        decoding: how to decode, the run's own way by default.
        threads: of the runtime.
        launcher: of the runtime's process, see `Interpreter`.

    Raises:
        UserError: the bundle has no such precision, or the decoding does not fit it.

    Example::

        with BundleRecogniser(Bundle.load("runs/demo/tflite")) as recogniser:
            print(recogniser.recognise(keypoints, fps=30).glosses)
    """

    def __init__(
        self,
        bundle: Bundle,
        precision: str | None = None,
        decoding: DecodingConfig | None = None,
        threads: int = 1,
        launcher: Launcher | None = None,
    ):
        # Named as a recogniser of runs names what it recognises with.
        self.run = bundle
        self.precision = bundle.chosen(precision)
        self.decoding = decoding or bundle.decoding
        self.language_model = bundle.language_model(self.decoding)
        self.preparation = RawPreparation(bundle.contract)
        heads = tuple(bundle.metadata["heads"])
        if bundle.isolated:
            self.readout = IsolatedReadout(heads, self.decoding)
        else:
            self.readout = CtcReadout(heads)
        self._threads = threads
        self._launcher = launcher
        self._interpreters: dict[int, Interpreter] = {}

    def scores(self, raw: np.ndarray) -> np.ndarray:
        """Log-probabilities of one clip.

        Args:
            raw: `(frames, source points, channels)` at the contract's frame rate.

        Returns:
            `(steps, tokens)`; a step is 4 frames, of a bundle of one sign the whole clip.

        Raises:
            UserError: no frames, or the runtime failed.
        """
        if not len(raw):
            raise UserError("the clip has no frames")
        longest = self.run.buckets[-1]
        if self.run.isolated:
            scores = self._run(sampled(raw, longest))
            special = ((0, 0), (FIRST_GLOSS, 0))
            return np.pad(scores, special, constant_values=-np.inf)
        if len(raw) <= longest:
            return self._run(raw)[: max(len(raw) // REDUCTION, 1)]
        whole = raw[: len(raw) // REDUCTION * REDUCTION]
        parts = [
            (w.start, w.stop, {SCORES: self._run(w.frames)}) for w in cut_windows(whole, longest)
        ]
        return join(parts)[SCORES]

    def recognise(self, raw: np.ndarray, fps: float | None = None) -> Recognition:
        """Recognise one clip.

        Args:
            raw: keypoints, as for `scores`.
            fps: frames a second of the clip, if it is not the contract's.

        Raises:
            UserError: an empty clip, another shape, or a frame rate that is not positive.
        """
        return self._recognised(np.stack(list(self.preparation.prepared(raw, fps))))

    def recognise_prepared(
        self, clips: Iterable[Iterable[np.ndarray]]
    ) -> Iterator[Recognition | UserError]:
        """Recognise clips one after another.

        Args:
            clips: the raw frames of each, as the `preparation` gives them.

        Yields:
            in their order what was recognised, or the `UserError` that the clip raised.
        """
        for frames in clips:
            try:
                yield self._recognised(np.stack(list(frames)))
            except UserError as error:
                yield error

    def decode(self, scores: np.ndarray) -> Hypothesis:
        """The best hypothesis from the scores of one clip."""
        found = self.readout.decode(
            scores[None], [len(scores)], self.decoding, self.language_model, ENSEMBLE
        )
        return found[0]

    def close(self) -> None:
        """End the processes."""
        for interpreter in self._interpreters.values():
            interpreter.close()
        self._interpreters.clear()

    def __enter__(self) -> "BundleRecogniser":
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()

    def _recognised(self, raw: np.ndarray) -> Recognition:
        hypothesis = self.decode(self.scores(raw))
        seconds = (len(raw) if self.run.isolated else REDUCTION) / self.run.contract.fps
        return Recognition(
            self.run.vocabulary.decode(hypothesis.ids),
            tuple((start * seconds, end * seconds) for start, end in hypothesis.spans),
            hypothesis.confidences,
            hypothesis.log_probability,
        )

    def _run(self, raw: np.ndarray) -> np.ndarray:
        bucket = next(size for size in self.run.buckets if size >= len(raw))
        padded = np.zeros((1, bucket, *raw.shape[1:]), np.float32)
        padded[0, : len(raw)] = raw
        inputs = {KEYPOINTS: padded, FRAMES: np.int32([len(raw)])}
        try:
            return self._interpreter(bucket).run(**inputs)[SCORES][0]
        except RuntimeFailure as error:
            raise UserError(f"{self.run.path}: {error}") from None

    def _interpreter(self, bucket: int) -> Interpreter:
        if bucket not in self._interpreters:
            file = self.run.file(self.precision, bucket)
            self._interpreters[bucket] = Interpreter(file, SHIPPED, self._threads, self._launcher)
        return self._interpreters[bucket]
