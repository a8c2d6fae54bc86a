"""Model families: one object says everything that the program must know of a kind of model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slr_keras.data.modality import Modality, Output

if TYPE_CHECKING:
    import keras

#: From a model and the name of a head to a function that gives the features which that head reads,
#: `(batch, steps, width)`.
FeatureExtractor = Callable[["keras.Model", str], Callable[[Mapping[str, Any]], Any]]


@dataclass(frozen=True)
class ModelFamily:
    """A family of models that differ in size alone.

    Each folder of `slr_keras.models` lists its families in its module `family`. Another package
    names one as an entry point in the group `slr_keras.models`. Training, evaluation,
    recognition, export and serving ask the family and never the class of a model.

    Attributes:
        name: of the family, such as "stark".
        modality: what the models read, "keypoints" or "video".
        output: "glosses" (a sequence for each clip) or "sign" (one sign for each clip).
        build: makes a model from `vocabulary_size` and options. Models of keypoints also take
            `streams`, `points` and `channels`; models of video take `image_size`.
        presets: by registered model name, the options that differ from the defaults.
        objective: what training minimises: a name of
            `slr_keras.training.objectives.factory.OBJECTIVES`, or a function of the model and the
            recipe that returns an `Objective`.
        decoder: how outputs become glosses: a name of
            `slr_keras.decoding.factory.DECODERS`, or a function of the model, the decoding
            config and the loss that returns a `Decoder`.
        conditional: whether the decoder may emit each gloss given those before it, which keeps
            equal neighbours apart.
        feature_head: head whose features a SavedModel gives; empty for the one that is reported.
        features: gives the features of a head; None for a functional model, whose layer
            `head_<name>` reads them.
        lite_obstacle: why no TFLite bundle can hold the models; empty if one can.
        float_scopes: regular expressions of the scopes that int8 files compute in float32.
        streaming: how the models stream: a name of `slr_keras.streaming.factory.FORMS`, or a
            `StreamingForm`; None if they have no streaming form.

    Example::

        # pyproject.toml: [project.entry-points."slr_keras.models"]  mean = "mean_model:FAMILY"
        FAMILY = ModelFamily("mean", "keypoints", "glosses", build=MeanModel, presets={"mean": {}})
    """

    name: str
    modality: Modality
    output: Output
    build: Callable[..., "keras.Model"]
    presets: Mapping[str, Mapping[str, Any]]
    objective: str | Callable[..., Any] = "ctc"
    decoder: str | Callable[..., Any] = "ctc"
    conditional: bool = False
    feature_head: str = ""
    features: FeatureExtractor | None = None
    lite_obstacle: str = ""
    float_scopes: tuple[str, ...] = field(default=())
    streaming: str | Any = None
