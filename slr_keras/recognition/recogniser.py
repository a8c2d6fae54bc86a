"""Recognise raw clips, keypoints or pictures, with a trained model in any of its forms."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from slr_keras.data.preparation import Preparation
from slr_keras.data.sampling import REDUCTION
from slr_keras.decoding import DecodingConfig, Hypothesis
from slr_keras.decoding.outputs import ENSEMBLE
from slr_keras.recognition.isolated_clips import sampled, score_whole_clips
from slr_keras.recognition.result import Recognition
from slr_keras.recognition.scorer import Scorer, Scores
from slr_keras.recognition.trained_model import TrainedModel
from slr_keras.recognition.windows import score_clips, whole_steps
from slr_keras.utils.errors import UserError


class Recogniser:
    """Recognises clips with a run, a bundle or a served model; a context manager.

    A clip's result does not depend on the clips beside it. Clips longer than the scorer takes are
    read in overlapping windows whose scores are joined, so that nothing of them is lost (an
    evaluation follows the papers and cuts such clips to their middle). Models that name the one
    sign of a clip see frames from all of it instead, evenly spread.

    Args:
        trained: a trained model.
        decoding: how to decode; by default as the model's recipe says.
        scorer: computes the scores; by default the Keras model of a `Run`.

    Raises:
        UserError: the model cannot be loaded, or does not have such a decoding.

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

            scorer = KerasScorer(trained, self.decoding)
        self.scorer = scorer
        self.language_model = trained.language_model(self.decoding)

    @property
    def preparation(self) -> Preparation:
        """Makes the model's frames of a raw clip."""
        return self.scorer.preparation

    def close(self) -> None:
        """Free what the scorer holds, such as processes."""
        self.scorer.close()

    def __enter__(self) -> "Recogniser":
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()

    def logits(self, clips: Sequence[np.ndarray]) -> list[dict[str, np.ndarray]]:
        """Scores of raw clips.

        Args:
            clips: at the contract's frame rate, either raw keypoints `(frames, source points,
                channels)` as the contract describes them, or pictures `(frames, height, width, 3)`
                uint8, RGB, of any size.

        Returns:
            for each clip, by head and for the `ensemble`, `(steps, classes)`; models of one sign
            have one step for the whole clip. CTC heads, and those of one sign, give logits and
            their ensemble log-probabilities; the levels of a transducer give logits to which
            contexts are added.

        Raises:
            UserError: an empty clip or one of another shape; says which.
        """
        prepared = [self._prepared(clip, None, number) for number, clip in enumerate(clips)]
        return [_raised(scores) for scores in self._score(prepared)]

    def scores(self, frames: Iterable[np.ndarray]) -> np.ndarray:
        """The scores of one clip that are decoded.

        Args:
            frames: of the clip, as the `preparation` gives them.

        Returns:
            `(steps, classes)` float32.

        Raises:
            UserError: no frames, or the clip could not be scored.
        """
        (scores,) = self._score([frames], (ENSEMBLE,))
        return _raised(scores)[ENSEMBLE]

    def decode(self, scores: np.ndarray) -> Hypothesis:
        """The best hypothesis from the scores `(steps, classes)` of one clip."""
        return self.scorer.decoder.decode(
            scores[None], [len(scores)], self.decoding, self.language_model
        )[0]

    def recognise(self, raw: np.ndarray, fps: float | None = None) -> Recognition:
        """Recognise one clip.

        Args:
            raw: keypoints or pictures, as for `logits`; of pictures any iterable will do.
            fps: frames a second of the clip, if it is not the contract's; the clip is then
                brought to the contract's rate.

        Raises:
            UserError: an empty clip, another shape, a frame rate that is not positive, or the clip
                could not be scored.
        """
        return self.recognise_batch([raw], [fps])[0]

    def recognise_batch(
        self, clips: Sequence[np.ndarray], fps: Sequence[float | None] | None = None
    ) -> list[Recognition]:
        """Recognise several clips at once; the arguments are lists of those of `recognise`."""
        rates = fps or [None] * len(clips)
        prepared = [self._prepared(*clip, n) for n, clip in enumerate(zip(clips, rates))]
        return [_raised(result) for result in self.recognise_prepared(prepared)]

    def recognise_prepared(
        self, clips: Iterable[Iterable[np.ndarray]]
    ) -> Iterator[Recognition | UserError]:
        """Recognise clips one after another while their frames are read.

        Args:
            clips: the model's frames of each, as the `preparation` gives them.

        Yields:
            in their order what was recognised, or the `UserError` that the clip raised.
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
                yield self._recognition(self.decode(scores[ENSEMBLE]), frames)

    def _recognition(self, hypothesis: Hypothesis, frames: int) -> Recognition:
        step = frames if self.scorer.decoder.names_one_sign else self.scorer.stride
        seconds = step / self.trained.contract.fps
        return Recognition.of(hypothesis, self.trained.vocabulary, seconds)

    def _prepared(self, clip, fps: float | None, number: int) -> Iterator[np.ndarray]:
        try:
            yield from self.preparation.prepared(clip, fps)
        except UserError as error:
            raise UserError(f"clip {number}: {error}") from error

    def _score(
        self, clips: Iterable[Iterable[np.ndarray]], names: Sequence[str] = ()
    ) -> Iterator[Scores | UserError]:
        """Scores of each clip, of these sets (all by default), or what was wrong with it."""
        scorer, batch_frames = self.scorer, self.preparation.batch_frames
        scorer.load()
        score = partial(scorer.score, names=names)
        if scorer.decoder.names_one_sign:
            sample = partial(sampled, most=scorer.longest, segments=scorer.segments)
            return score_whole_clips(clips, score, sample, batch_frames)
        longest = scorer.longest // REDUCTION * REDUCTION
        complete = (whole_steps(frames, longest, scorer.repeats_last) for frames in clips)
        return score_clips(complete, score, longest, batch_frames, scorer.stride)


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
