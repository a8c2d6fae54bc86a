"""Recognise raw clips of keypoints or pictures with a run, a bundle or a served model."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

from slr_keras.data.preparation import Preparation
from slr_keras.data.sampling import REDUCTION
from slr_keras.decoding import DecodingConfig, Hypothesis
from slr_keras.decoding.outputs import ENSEMBLE
from slr_keras.recognition.isolated_clips import sampled, score_whole_clips
from slr_keras.recognition.result import Recognition, ranked_signs
from slr_keras.recognition.scorer import Scorer, Scores
from slr_keras.recognition.trained_model import TrainedModel
from slr_keras.recognition.windows import score_clips, whole_steps
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    from slr_keras.training.run import Run


class Recogniser:
    """Recognises clips with a run, a bundle or a served model; a context manager.

    The result of a clip does not depend on other clips. Clips longer than the scorer accepts are
    read in overlapping windows, and the scores are joined; all frames contribute. (Evaluation
    follows the papers and cuts such clips to their middle.) Models of isolated signs read evenly
    spaced frames of the clip instead.

    Args:
        trained: a trained model.
        decoding: decoding options; None: those of the model's recipe.
        scorer: computes the scores; None: the Keras model of a `Run`.

    Raises:
        UserError: the model cannot be loaded, or does not support the decoding options.

    Example::

        recogniser = Recogniser(Run.load("runs/demo"))
        print(recogniser.recognise(keypoints, fps=30).glosses)
    """

    def __init__(
        self,
        trained: TrainedModel,
        decoding: DecodingConfig | None = None,
        scorer: Scorer | None = None,
    ):
        self.trained = trained
        self.decoding = decoding or trained.decoding
        if scorer is None:
            from slr_keras.recognition.keras_scorer import KerasScorer

            scorer = KerasScorer(cast("Run", trained), self.decoding)
        self.scorer = scorer
        self.language_model = trained.language_model(self.decoding)

    @property
    def preparation(self) -> Preparation:
        """Converts raw clips to the frames that the model reads."""
        return self.scorer.preparation

    @property
    def names_one_sign(self) -> bool:
        """Whether the model names the one sign of a clip, which lasts as long as the clip."""
        return self.scorer.decoder.names_one_sign

    def close(self) -> None:
        """Release the resources of the scorer, such as processes."""
        self.scorer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()

    def logits(self, clips: Sequence[np.ndarray]) -> list[dict[str, np.ndarray]]:
        """Compute the scores of raw clips.

        Args:
            clips: clips at the contract's frame rate: raw keypoints `(frames, source points,
                channels)` as the contract describes them, or pictures `(frames, height, width, 3)`
                uint8, RGB, of any size.

        Returns:
            For each clip, `(steps, classes)` by head and for the `ensemble`; models of isolated
            signs have one step per clip. The heads give logits and the ensemble gives
            log-probabilities; the levels of a transducer give logits, to which decoding adds those
            of the context.

        Raises:
            UserError: a clip is empty or has the wrong shape; gives its number.
        """
        prepared = [self._prepared(clip, None, number) for number, clip in enumerate(clips)]
        return [_raised(scores) for scores in self._score(prepared)]

    def scores(self, frames: Iterable[np.ndarray]) -> np.ndarray:
        """Compute the ensemble's scores of one clip, which `decode` takes.

        Args:
            frames: frames of the clip, from `preparation`.

        Returns:
            `(steps, classes)` float32.

        Raises:
            UserError: there are no frames, or the clip could not be scored.
        """
        (scores,) = self._score([frames], (ENSEMBLE,))
        return _raised(scores)[ENSEMBLE]

    def decode(self, scores: np.ndarray) -> Hypothesis:
        """Decode the scores `(steps, classes)` of one clip to the best hypothesis."""
        return self.scorer.decoder.decode(
            scores[None], [len(scores)], self.decoding, self.language_model
        )[0]

    def recognise(
        self, raw: np.ndarray | Iterable[np.ndarray], fps: float | None = None
    ) -> Recognition:
        """Recognise one clip.

        Args:
            raw: keypoints or pictures, as for `logits`; pictures may be any iterable.
            fps: frames per second of the clip, from which the clip is resampled to the contract's
                rate; None: the contract's rate.

        Raises:
            UserError: the clip is empty, has the wrong shape or a frame rate that is not positive,
                or could not be scored.
        """
        return self.recognise_batch([raw], [fps])[0]

    def recognise_batch(
        self,
        clips: Sequence[np.ndarray | Iterable[np.ndarray]],
        fps: Sequence[float | None] | None = None,
    ) -> list[Recognition]:
        """Recognise several clips; the arguments are lists of those of `recognise`."""
        rates = fps or [None] * len(clips)
        prepared = [self._prepared(*clip, n) for n, clip in enumerate(zip(clips, rates))]
        return [_raised(result) for result in self.recognise_prepared(prepared)]

    def recognise_prepared(
        self, clips: Iterable[Iterable[np.ndarray]]
    ) -> Iterator[Recognition | UserError]:
        """Recognise clips one after another while their frames are read.

        Args:
            clips: frames of each clip, from `preparation`.

        Yields:
            For each clip, in order, the recognition or the `UserError` that the clip raised.
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
            else:
                yield self._recognition(scores[ENSEMBLE], frames)

    def _recognition(self, scores: np.ndarray, frames: int) -> Recognition:
        vocabulary = self.trained.vocabulary
        single = self.names_one_sign
        seconds = (frames if single else self.scorer.stride) / self.trained.contract.fps
        alternatives = ranked_signs(scores, vocabulary) if single else ()
        return Recognition.of(self.decode(scores), vocabulary, seconds, alternatives)

    def _prepared(self, clip, fps: float | None, number: int) -> Iterator[np.ndarray]:
        try:
            yield from self.preparation.prepared(clip, fps)
        except UserError as error:
            raise UserError(f"clip {number}: {error}") from error

    def _score(
        self, clips: Iterable[Iterable[np.ndarray]], names: Sequence[str] = ()
    ) -> Iterator[Scores | UserError]:
        """Scores of each clip by output (all outputs by default), or the error of the clip."""
        scorer, batch_frames = self.scorer, self.preparation.batch_frames
        scorer.load()
        score = partial(scorer.score, names=names)
        if self.names_one_sign:
            sample = partial(sampled, most=scorer.longest, segments=scorer.segments)
            return score_whole_clips(clips, score, sample, batch_frames)
        longest = scorer.longest // REDUCTION * REDUCTION
        complete = (whole_steps(frames, longest, scorer.repeats_last) for frames in clips)
        return score_clips(complete, score, longest, batch_frames, scorer.stride)


class _Counted:
    """Counts the frames of a clip while they are read."""

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
