"""An enrolment file as a trained model: what `predict`, `evaluate` and `Recogniser` need of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from slr_keras.data.contract import KeypointContract
from slr_keras.data.modality import KEYPOINTS, Modality, Output
from slr_keras.data.preparation import KeypointPreparation
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.decoding import DecodingConfig, Hypothesis, NgramLanguageModel
from slr_keras.decoding.outputs import ENSEMBLE, FIRST_GLOSS, SignDecoder
from slr_keras.enrolment.encoding import Encoder, open_encoder
from slr_keras.enrolment.enrolment import Enrolment
from slr_keras.enrolment.matching import Answer, Matcher
from slr_keras.enrolment.storage import read_enrolment
from slr_keras.enrolment.threshold import ACCEPT
from slr_keras.recognition.scorer import Scorer, Scores

_LONGEST = 4096


@dataclass(frozen=True, eq=False)
class EnrolledModel:
    """Enrolled signs and their encoder; a `TrainedModel`.

    Attributes:
        path: the enrolment file.
        enrolment: its content.
        encoder: that made its vectors.
        accept: fraction of unknown clips that may be accepted.
    """

    path: Path
    enrolment: Enrolment
    encoder: Encoder
    accept: float = ACCEPT

    @classmethod
    def load(
        cls,
        path: str | Path,
        encoder: Encoder | str | Path | None = None,
        accept: float | None = None,
    ) -> "EnrolledModel":
        """Read an enrolment file, and open its encoder.

        Args:
            path: the file.
            encoder: an encoder, or the name or folder of one; None: the one that the file names.
            accept: fraction of unknown clips that may be accepted, between 0 and 1; None: 0.05.

        Raises:
            UserError: the file cannot be read, or its encoder is not here or another one.
        """
        enrolment = read_enrolment(path)
        if encoder is None:
            encoder = enrolment.encoder.name
        if isinstance(encoder, str | Path):
            encoder = open_encoder(encoder)
        enrolment.require_encoder(encoder, str(path))
        return cls(Path(path), enrolment, encoder, ACCEPT if accept is None else accept)

    @property
    def model_name(self) -> str:
        """Name of the encoder."""
        return self.enrolment.encoder.name

    @property
    def modality(self) -> Modality:
        """What the encoder reads: keypoints."""
        return KEYPOINTS

    @property
    def output(self) -> Output:
        """One sign per clip."""
        return "sign"

    @property
    def contract(self) -> KeypointContract:
        """How raw clips become the encoder's input."""
        return self.enrolment.contract

    @property
    def vocabulary(self) -> Vocabulary:
        """The names of the signs; the unknown gloss is `<unknown>`."""
        return self.enrolment.vocabulary

    @property
    def decoding(self) -> DecodingConfig:
        """One sign per clip has no decoding options."""
        return DecodingConfig()

    @property
    def scoring(self) -> str:
        """Glosses are compared as they are."""
        return "plain"

    def language_model(self, decoding: DecodingConfig) -> NgramLanguageModel | None:
        """None: single signs have no language model."""
        return None

    def matcher(self) -> Matcher:
        """The answers of the signs."""
        return Matcher(self.enrolment, self.encoder, self.accept)


class EnrolmentDecoder(SignDecoder):
    """Decodes rows of log-probabilities of the blank (rest), the unknown gloss and the signs.

    Args:
        limit: highest probability of the unknown gloss in an answer.
    """

    def __init__(self, limit: float):
        super().__init__((ENSEMBLE,))
        self.limit = limit

    def decode(self, scores, steps, decoding, language_model=None, name=ENSEMBLE):
        """See `Decoder`; rest has no gloss, and a refused clip has the unknown one."""
        return [self._hypothesis(np.asarray(row, np.float64)) for row in scores[:, 0]]

    def _hypothesis(self, row: np.ndarray) -> Hypothesis:
        if row[Vocabulary.BLANK_ID] == 0:
            return Hypothesis((), 0.0)
        token = FIRST_GLOSS + int(row[FIRST_GLOSS:].argmax())
        if np.exp(row[Vocabulary.UNKNOWN_ID]) > self.limit:
            token = Vocabulary.UNKNOWN_ID
        probability = min(1.0, float(np.exp(row[token])))
        return Hypothesis((token,), float(row[token]), ((0, 1),), (probability,))


class EnrolmentScorer(Scorer):
    """Scores clips with enrolled signs.

    Args:
        model: the signs and their encoder.
    """

    longest = _LONGEST
    stride = 1

    def __init__(self, model: EnrolledModel):
        self.matcher = model.matcher()
        self.preparation = KeypointPreparation(model.contract, multiple=1)
        self.decoder = EnrolmentDecoder(self.matcher.limit)

    def score(self, clips: list[np.ndarray], names: Sequence[str] = ()) -> list[Scores]:
        """See `Scorer`; one row of log-probabilities for each clip."""
        return [{ENSEMBLE: row(answer)[None]} for answer in self.matcher(clips)]


def row(answer: Answer) -> np.ndarray:
    """Log-probabilities `(2 + signs,)` of an answer: rest, unknown, and each sign.

    >>> import numpy as np
    >>> from slr_keras.enrolment.matching import Answer
    >>> from slr_keras.enrolment.model import row
    >>> np.exp(row(Answer(0, 0.9, np.array([0.75]), 0.25, True))).tolist()
    [0.0, 0.25, 0.75]
    """
    probabilities = np.concatenate([[float(answer.rest), answer.unknown], answer.confidences])
    with np.errstate(divide="ignore"):
        return np.log(probabilities)
