"""What training minimises: for each system, the loss of every clip of a batch."""

import keras

from slr_keras.config.schema import Config
from slr_keras.models import C2st, StarkIsolated, Ustm
from slr_keras.models.gloss_lm import BertContext
from slr_keras.models.registry import isolated
from slr_keras.training.objectives.base import Objective
from slr_keras.training.objectives.stark import StarkObjective
from slr_keras.utils.errors import UserError


def make_objective(model: keras.Model, config: Config) -> Objective:
    """The objective that goes with a model, as a recipe sets it."""
    if isolated(config.model.name):
        # It needs `clip_inputs` from here.
        from slr_keras.training.objectives.classification import ClassificationObjective

        # StepNet's paper has no such term (specs/stepnet.md §6).
        distils = isinstance(model, StarkIsolated)
        return ClassificationObjective(
            tuple(model.head_layers),
            config.training.label_smoothing,
            config.training.distillation_weight if distils else 0.0,
        )
    if isinstance(model, Ustm):
        # It needs `clip_inputs` from here.
        from slr_keras.training.objectives.self_distillation import (
            SelfDistillationObjective,
        )

        return SelfDistillationObjective(config.self_distillation)
    if isinstance(model, C2st):
        # It needs `clip_inputs` from here.
        from slr_keras.training.objectives.transduction import TransductionObjective

        _prepare_language_model(model, config)
        return TransductionObjective(
            config.transduction,
            config.training.epochs,
            config.training.seed,
            config.training.jit_compile,
        )
    return StarkObjective(config.training.distillation_weight)


def _prepare_language_model(model: C2st, config: Config) -> None:
    """Have a frozen language model keep what it computed.

    Raises:
        UserError: XLA should compile what it cannot.
    """
    language_model = model.context and model.context.language_model
    if isinstance(language_model, BertContext):
        if config.training.jit_compile:
            raise UserError(
                "training.jit_compile: XLA cannot compile BERT's contexts, of which only new ones "
                "are computed; set it to false, or model.options.language_model to words or causal"
            )
        language_model.remember()
