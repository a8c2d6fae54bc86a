"""From raw clips, keypoints or pictures, to glosses with a trained run."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from slr_keras.data.preparation import preparation_for
from slr_keras.data.sampling import REDUCTION
from slr_keras.decoding import DecodingConfig, Hypothesis
from slr_keras.decoding.outputs import ENSEMBLE, IsolatedReadout, make_readout
from slr_keras.recognition.isolated_clips import sampled, score_whole_clips
from slr_keras.recognition.result import Recognition
from slr_keras.recognition.windows import score_clips
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    from slr_keras.training.run import Run


class Recogniser:
    """Recognises clips with a run's best weights.

    A clip's result does not depend on the clips beside it. Clips longer than the run's
    `data.max_frames` are read in overlapping windows whose outputs are joined, so that nothing
    of them is lost (an evaluation follows the papers and cuts such clips to their middle). Models
    that name the one sign of a clip see frames from all of it instead, evenly spread.

    Args:
        run: a trained run.
        decoding: how to decode, the run's own way by default.

    Raises:
        UserError: the run sees optical flow, which recordings do not hold.

    Attributes:
        preparation: makes the model's frames of a clip.

    Example::

        recogniser = Recogniser(Run.load("runs/demo"))
        print(recogniser.recognise(keypoints, fps=30).glosses)
    """

    def __init__(self, run: "Run", decoding: DecodingConfig | None = None):
        if run.config.data.stream == "flow":
            raise UserError(
                f"{run.path}: sees optical flow, which only data folders have; score it with "
                "`python -m slr_keras.evaluate`"
            )
        self.run = run
        self.decoding = decoding or run.decoding
        self._model = run.model()
        config = replace(run.config, decoding=self.decoding)
        self._readout = make_readout(self._model, config)
        self.language_model = run.language_model(self.decoding)
        self._whole = isinstance(self._readout, IsolatedReadout)
        # Imports Keras, which a message about the arguments need not wait for.
        from slr_keras.training.data import segments

        self._segments = segments(run.config)
        # A fixed number of frames is taken of all frames, others are of whole steps.
        self.preparation = preparation_for(run.contract, 1 if self._segments else REDUCTION)
        self._predict = None

    def logits(self, clips: Sequence[np.ndarray]) -> list[dict[str, np.ndarray]]:
        """Scores of raw clips.

        Args:
            clips: at the contract's frame rate, either raw keypoints `(frames, source points,
                channels)` as the run's contract describes them, or pictures `(frames, height,
                width, 3)` uint8, RGB, of any size.

        Returns:
            for each clip, by head and for the `ensemble`, `(steps, classes)`; a step is 4 frames,
            of models of one sign the whole clip. CTC heads, and those of one sign, give logits and
            their ensemble log-probabilities; the levels of a transducer give logits to which
            contexts are added.

        Raises:
            UserError: an empty clip or one of another shape; says which.
        """
        prepared = [self._prepared(clip, None, number) for number, clip in enumerate(clips)]
        return [_raised(scores) for scores in self._score(prepared)]

    def recognise(self, raw: np.ndarray, fps: float | None = None) -> Recognition:
        """Recognise one clip.

        Args:
            raw: keypoints or pictures, as for `logits`; of pictures any iterable will do.
            fps: frames a second of the clip, if it is not the contract's; the clip is then
                brought to the contract's rate.

        Raises:
            UserError: an empty clip, another shape, or a frame rate that is not positive.
        """
        return self.recognise_batch([raw], [fps])[0]

    def recognise_batch(
        self, clips: Sequence[np.ndarray], fps: Sequence[float | None] | None = None
    ) -> list[Recognition]:
        """Recognise several clips at once; the arguments are lists of those of `recognise`."""
        rates = fps or [None] * len(clips)
        prepared = [self._prepared(*clip, n) for n, clip in enumerate(zip(clips, rates))]
        return [_raised(found) for found in self.recognise_prepared(prepared)]

    def recognise_prepared(
        self, clips: Iterable[Iterable[np.ndarray]]
    ) -> Iterator[Recognition | UserError]:
        """Recognise clips one after another while their frames are read.

        Args:
            clips: the model's frames of each, as the `preparation` gives them.

        Yields:
            in their order what was recognised, or the `UserError` that the clip's frames raised.
        """
        lengths: deque[_Counted] = deque()

        def counted() -> Iterator[_Counted]:
            for frames in clips:
                lengths.append(_Counted(frames))
                yield lengths[-1]

        for scores in self._score(counted(), (ENSEMBLE,)):
            frames = lengths.popleft().count
            if isinstance(scores, UserError):
                yield scores
                continue
            ensemble = scores[ENSEMBLE]
            hypothesis = self._readout.decode(
                ensemble[None], [len(ensemble)], self.decoding, self.language_model
            )[0]
            yield self._recognition(hypothesis, frames)

    def _recognition(self, hypothesis: Hypothesis, frames: int) -> Recognition:
        seconds = (frames if self._whole else REDUCTION) / self.run.contract.fps
        return Recognition.of(hypothesis, self.run.vocabulary, seconds)

    def _prepared(self, clip, fps: float | None, number: int) -> Iterator[np.ndarray]:
        try:
            yield from self.preparation.prepared(clip, fps)
        except UserError as error:
            raise UserError(f"clip {number}: {error}") from error

    def _score(self, clips: Iterable[Iterable[np.ndarray]], names: Sequence[str] = ()):
        """Scores of each clip, of these sets (all by default), or what was wrong with it."""

        def score(windows: list[np.ndarray]) -> list[dict[str, np.ndarray]]:
            return self._window_scores(windows, names)

        if self._whole:
            chosen = self._segments
            most = chosen.count if chosen else self.run.config.data.max_frames
            sample = partial(sampled, most=most, segments=chosen)
            return score_whole_clips(clips, score, sample, self.preparation.batch_frames)
        longest = self.run.config.data.max_frames // REDUCTION * REDUCTION
        return score_clips(clips, score, longest, self.preparation.batch_frames)

    def _window_scores(
        self, windows: list[np.ndarray], names: Sequence[str]
    ) -> list[dict[str, np.ndarray]]:
        lengths = np.array([len(window) for window in windows])
        # Padded with the last frame.
        places = np.minimum(np.arange(lengths.max()), lengths[:, None] - 1)
        clips = np.stack([window[row] for window, row in zip(windows, places)])
        mask = (np.arange(lengths.max()) < lengths[:, None]).astype(np.float32)
        outputs = self._forward()(clips, mask)
        arrays = {name: outputs[name].numpy() for name in names or outputs}
        return [
            # Copies, lest a clip keep the scores of a whole batch.
            {name: value[row, :steps].copy() for name, value in arrays.items()}
            for row, steps in enumerate(self._readout.steps(lengths, REDUCTION))
        ]

    def _forward(self):
        if self._predict is None:
            import tensorflow as tf

            frame = self.preparation.frame

            def forward(clips, mask) -> Mapping[str, tf.Tensor]:
                outputs = self._model({frame.name: clips, "mask": mask}, training=False)
                return self._readout.scores(outputs)

            signature = [
                tf.TensorSpec((None, None, *frame.shape), frame.dtype),
                tf.TensorSpec((None, None), tf.float32),
            ]
            self._predict = tf.function(forward, input_signature=signature, autograph=False)
        return self._predict


class _Counted:
    """Frames of a clip, counted while they pass."""

    def __init__(self, frames: Iterable[np.ndarray]):
        self.count = 0
        self._frames = frames

    def __iter__(self) -> Iterator[np.ndarray]:
        for frame in self._frames:
            self.count += 1
            yield frame


def _raised(result):
    if isinstance(result, UserError):
        raise result
    return result
