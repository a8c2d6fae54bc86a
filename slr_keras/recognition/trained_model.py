"""Interface of trained models: runs, bundles and served models."""

from pathlib import Path
from typing import Protocol

from slr_keras.data.contract import KeypointContract
from slr_keras.data.modality import Modality, Output
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.decoding import DecodingConfig, NgramLanguageModel


class TrainedModel(Protocol):
    """A trained model: a `Run`, a `Bundle`, or the `Assets` of a served version.

    Recognition, writers and scoring use these attributes only. A `Scorer` computes the scores.

    Attributes:
        path: folder of the model, for messages.
        model_name: name of the registered model.
        modality: input of the model, "keypoints" or "video".
        output: output of the model: a sequence of "glosses", or one "sign" per clip.
        contract: how raw clips become the model's input.
        vocabulary: maps glosses to ids.
        decoding: decoding options of the recipe.
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
        """The n-gram model that the decoding options ask for; None if they ask for none.

        Raises:
            UserError: the model does not have the language model that the options ask for.
        """
