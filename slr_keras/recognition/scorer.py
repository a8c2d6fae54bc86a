"""Interface of scorers, which compute the scores to decode from the frames of clips."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from slr_keras.data.preparation import Preparation
from slr_keras.data.segments import Segments
from slr_keras.decoding.outputs import Decoder
from slr_keras.utils.errors import UserError
from slr_keras.utils.failures import as_user_error

Scores = Mapping[str, np.ndarray]
Score = Callable[[list[np.ndarray]], list[Scores]]


def scored(score: Score, clips: list[np.ndarray]) -> list[Scores | UserError]:
    """Scores of the clips of a batch; if the batch fails, each clip is scored by itself.

    Args:
        score: maps a batch of clips `(frames, ...)` to arrays by name, for each clip.
        clips: of the batch.

    Returns:
        For each clip, its scores, or the error that its scoring raised. An error other than a
        `UserError` or a lack of memory is a defect, and not caught.
    """
    try:
        return list(score(clips)) if clips else []
    except (UserError, MemoryError) as error:
        if len(clips) == 1:
            return [as_user_error(error, "scoring")]
    return [result for clip in clips for result in scored(score, [clip])]


class Scorer(ABC):
    """Computes the scores of clips with a Keras model, a TFLite file or a server.

    Attributes:
        preparation: converts raw clips to the frames that `score` takes.
        decoder: decodes the scores.
        longest: largest number of frames that can be scored at once.
        stride: frames per output step.
        segments: sampling rule of a model with a fixed number of frames; None for other models.
        repeats_last: whether the last frame of a clip is repeated to complete the last step;
            otherwise the frames of an incomplete step are dropped.
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
        """Score clips in one batch.

        Args:
            clips: `(frames, ...)` each, of up to `longest` frames.
            names: outputs to return, such as "ensemble"; all by default.

        Returns:
            For each clip, `(steps, classes)` float32 by output.

        Raises:
            UserError: the clips could not be scored.
        """

    def close(self) -> None:
        """Release the resources of the scorer; the default does nothing."""
        return None
