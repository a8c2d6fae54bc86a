"""Recognisers that score one clip at a time, elsewhere: in a file of a bundle, or on a server."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from slr_keras.data.preparation import Preparation
from slr_keras.data.sampling import REDUCTION
from slr_keras.decoding import DecodingConfig, Hypothesis, NgramLanguageModel
from slr_keras.decoding.outputs import ENSEMBLE, FIRST_GLOSS, Readout
from slr_keras.recognition.isolated_clips import sampled
from slr_keras.recognition.result import Recognition
from slr_keras.recognition.windows import cut_windows, join
from slr_keras.utils.errors import UserError


class OneByOne(ABC):
    """Recognises clips one after another.

    A longer clip than what scores them takes is read in overlapping windows whose outputs are
    joined; a clip of one sign gives evenly spaced frames.

    Attributes:
        run: what stands for a run: has `isolated`, `contract` and `vocabulary`.
        longest: frames that are scored at once.
        decoding: how to decode.
        language_model: of glosses, where the decoding asks for one.
        preparation: makes the raw frames of a clip.
        readout: decodes scores.
    """

    run: Any
    longest: int
    decoding: DecodingConfig
    language_model: NgramLanguageModel | None
    preparation: Preparation
    readout: Readout

    @abstractmethod
    def _scored(self, raw: np.ndarray) -> np.ndarray:
        """Scores of up to `longest` frames, `(steps, columns)`."""

    def scores(self, raw: np.ndarray) -> np.ndarray:
        """What is decoded, of one clip.

        Args:
            raw: frames as the `preparation` gives them.

        Returns:
            `(steps, classes)` float32; a step is 4 frames, of a model of one sign the whole clip.

        Raises:
            UserError: no frames, or they could not be scored.
        """
        if not len(raw):
            raise UserError("the clip has no frames")
        if self.run.isolated:
            scores = self._scored(sampled(raw, self.longest))
            return np.pad(scores, ((0, 0), (FIRST_GLOSS, 0)), constant_values=-np.inf)
        if len(raw) <= self.longest:
            return self._scored(raw)
        windows = cut_windows(self._whole_steps(raw), self.longest // REDUCTION * REDUCTION)
        parts = [(it.start, it.stop, {ENSEMBLE: self._scored(it.frames)}) for it in windows]
        return join(parts)[ENSEMBLE]

    def decode(self, scores: np.ndarray) -> Hypothesis:
        """The best hypothesis from the scores of one clip."""
        return self.readout.decode(
            scores[None], [len(scores)], self.decoding, self.language_model, ENSEMBLE
        )[0]

    def recognise(self, raw: np.ndarray, fps: float | None = None) -> Recognition:
        """Recognise one clip.

        Args:
            raw: the clip, as the contract describes it: keypoints
                `(frames, source points, channels)` or pictures `(frames, height, width, 3)`.
            fps: frames a second of the clip, if it is not the contract's.

        Raises:
            UserError: an empty clip, another shape, a frame rate that is not positive, or the
                clip could not be scored.
        """
        return self._recognised(np.stack(list(self.preparation.prepared(raw, fps))))

    def recognise_prepared(
        self, clips: Iterable[Iterable[np.ndarray]]
    ) -> Iterator[Recognition | UserError]:
        """Recognise clips one after another.

        Args:
            clips: the frames of each, as the `preparation` gives them.

        Yields:
            in their order what was recognised, or the `UserError` that the clip raised.
        """
        for frames in clips:
            try:
                yield self._recognised(np.stack(list(frames)))
            except UserError as error:
                yield error

    def _whole_steps(self, raw: np.ndarray) -> np.ndarray:
        """The frames of whole steps, as what scores them makes them of a shorter clip."""
        return raw[: len(raw) // REDUCTION * REDUCTION]

    def _recognised(self, raw: np.ndarray) -> Recognition:
        hypothesis = self.decode(self.scores(raw))
        seconds = (len(raw) if self.run.isolated else REDUCTION) / self.run.contract.fps
        return Recognition.of(hypothesis, self.run.vocabulary, seconds)
