"""Build the objective that a model family names, with the settings of the recipe."""

from collections.abc import Callable, Mapping

import keras

from slr_keras.config.schema import Config
from slr_keras.models.c2st.model import C2st
from slr_keras.models.gloss_lm import BertContext
from slr_keras.models.registry import family_of
from slr_keras.training.objectives.base import Objective
from slr_keras.training.objectives.classification import ClassificationObjective
from slr_keras.training.objectives.ctc import CtcObjective
from slr_keras.training.objectives.self_distillation import SelfDistillationObjective
from slr_keras.training.objectives.transduction import TransductionObjective
from slr_keras.utils.errors import UserError


def make_objective(model: keras.Model, config: Config) -> Objective:
    """The training objective of a model, chosen by its family and configured by the recipe.

    Raises:
        UserError: the objective does not support an option of the recipe.
    """
    build = family_of(config.model.name).objective
    if isinstance(build, str):
        build = OBJECTIVES[build]
    return build(model, config)


def _ctc(model: keras.Model, config: Config) -> Objective:
    return CtcObjective(config.training.distillation_weight, config.training.span_weight)


def _classification(model: keras.Model, config: Config) -> Objective:
    # StepNet's paper has no distillation between heads (docs/papers/stepnet.md §6).
    return ClassificationObjective(tuple(model.head_layers), config.training.label_smoothing)


def _distilled_classification(model: keras.Model, config: Config) -> Objective:
    settings = config.training
    return ClassificationObjective(
        tuple(model.head_layers), settings.label_smoothing, settings.distillation_weight
    )


def _self_distillation(model: keras.Model, config: Config) -> Objective:
    return SelfDistillationObjective(config.self_distillation)


def _transduction(model: C2st, config: Config) -> Objective:
    settings = config.training
    _cache_contexts(model, settings.jit_compile)
    return TransductionObjective(
        config.transduction, settings.epochs, settings.seed, settings.jit_compile
    )


def _cache_contexts(model: C2st, compiled: bool) -> None:
    """Let a frozen BERT cache the contexts that it computed.

    Raises:
        UserError: XLA is asked to compile the step, which the cache does not allow.
    """
    language_model = model.context and model.context.language_model
    if isinstance(language_model, BertContext):
        if compiled:
            raise UserError(
                "training.jit_compile: XLA cannot compile BERT with its cache of contexts; set "
                "jit_compile to false, or model.options.language_model to words or causal"
            )
        language_model.remember()


#: The objectives that `ModelFamily.objective` may name.
OBJECTIVES: Mapping[str, Callable[[keras.Model, Config], Objective]] = {
    "ctc": _ctc,
    "classification": _classification,
    "distilled_classification": _distilled_classification,
    "self_distillation": _self_distillation,
    "transduction": _transduction,
}
