"""What a run, a bundle and a served model have in common."""

from pathlib import Path
from typing import Protocol

from slr_keras.data.contract import KeypointContract
from slr_keras.data.modality import Modality, Output
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.decoding import DecodingConfig, NgramLanguageModel


class TrainedModel(Protocol):
    """A trained model in any of its forms: `Run`, `Bundle`, or the `Assets` of a served version.

    Everything after training (recognition, writers, scoring) reads these attributes and asks for
    no other type. What computes the scores is a `Scorer`.

    Attributes:
        path: the folder, for messages.
        model_name: name of the registered model.
        modality: what the model reads, "keypoints" or "video".
        output: what the model gives for a clip, "glosses" or one "sign".
        contract: how raw clips are described.
        vocabulary: glosses by number.
        decoding: the decoding of the recipe.
        scoring: clean-up rules of the recipe, a key of `slr_keras.text.phoenix.CLEAN_UP`.
    """

    @property
    def path(self) -> Path:
        """See the class."""

    @property
    def model_name(self) -> str:
        """See the class."""

    @property
    def modality(self) -> Modality:
        """See the class."""

    @property
    def output(self) -> Output:
        """See the class."""

    @property
    def contract(self) -> KeypointContract | FrameContract:
        """See the class."""

    @property
    def vocabulary(self) -> Vocabulary:
        """See the class."""

    @property
    def decoding(self) -> DecodingConfig:
        """See the class."""

    @property
    def scoring(self) -> str:
        """See the class."""

    def language_model(self, decoding: DecodingConfig) -> NgramLanguageModel | None:
        """The gloss language model that a decoding config asks for; None if it asks for none.

        Raises:
            UserError: the config asks for one that the model does not have.
        """
