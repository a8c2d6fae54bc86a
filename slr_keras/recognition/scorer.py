"""Scorers: from the frames of clips to the scores that are decoded."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from slr_keras.data.preparation import Preparation
from slr_keras.data.segments import Segments
from slr_keras.decoding.outputs import Decoder

Scores = Mapping[str, np.ndarray]
Score = Callable[[list[np.ndarray]], list[Scores]]


class Scorer(ABC):
    """Computes the scores of clips with a Keras model, a TFLite file or a server.

    Attributes:
        preparation: makes the frames that `score` takes of a raw clip.
        decoder: makes hypotheses of the scores.
        longest: frames that are scored at once.
        stride: frames of a step of the scores.
        segments: which frames are taken of every clip, for a model that takes a fixed number.
        repeats_last: whether the last frame of a clip is repeated until the step is complete; else
            frames behind the last complete step are dropped.
    """

    preparation: Preparation
    decoder: Decoder
    longest: int
    stride: int
    segments: Segments | None = None
    repeats_last: bool = False

    def load(self) -> None:
        """Load or compile what scoring needs; nothing by default.

        A fault of the model is raised here, before any clip is blamed for it.

        Raises:
            UserError: the model cannot give the scores that the decoder reads.
        """
        return None

    @abstractmethod
    def score(self, clips: list[np.ndarray], names: Sequence[str] = ()) -> list[Scores]:
        """Scores of clips that are scored in one batch.

        Args:
            clips: `(frames, ...)` each, of up to `longest` frames.
            names: sets of scores that are wanted, such as "ensemble"; all by default.

        Returns:
            for each clip, by set, `(steps, classes)` float32.

        Raises:
            UserError: the clips could not be scored.
        """

    def close(self) -> None:
        """Free what the scorer holds; nothing by default."""
        return None
