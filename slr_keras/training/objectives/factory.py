"""What training minimises: for each system, the loss of every clip of a batch."""

from collections.abc import Mapping
from typing import Any, Protocol

import keras
import tensorflow as tf

from slr_keras.config.schema import Config
from slr_keras.losses import stark_losses
from slr_keras.models import C2st, StarkIsolated, Ustm
from slr_keras.models.gloss_lm import BertContext
from slr_keras.models.registry import isolated
from slr_keras.utils.errors import UserError


class Objective(Protocol):
    """The loss of each clip, and its terms.

    Attributes:
        terms: names of the parts that are recorded beside the loss.
        controls: names of the numbers that change from epoch to epoch.
    """

    terms: tuple[str, ...]
    controls: tuple[str, ...]

    def at(self, epoch: int) -> dict[str, float]:
        """The controls' values in an epoch, from 0."""

    def __call__(
        self, model: keras.Model, batch: Mapping[str, tf.Tensor], controls: Mapping[str, tf.Tensor]
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Run the model and return the loss `(batch,)` and its terms, each `(batch,)`."""


class StarkObjective:
    """CTC of every head and their distillation (specs/stark.md §2.3).

    Args:
        distillation_weight: of the divergence of each head from their mean.
    """

    terms = ("ctc", "distillation")
    controls = ()

    def __init__(self, distillation_weight: float = 1.0):
        self.distillation_weight = distillation_weight

    def at(self, epoch: int) -> dict[str, float]:
        """Nothing changes from epoch to epoch."""
        return {}

    def __call__(self, model, batch, controls):
        """See `Objective`."""
        logits = model(clip_inputs(model, batch), training=True)
        steps = batch["frames"] // model.stride
        terms = stark_losses(batch["labels"], logits, batch["label_lengths"], steps)
        return terms["ctc"] + self.distillation_weight * terms["distillation"], terms


def clip_inputs(model: keras.Model, batch: Mapping[str, Any]) -> dict[str, Any]:
    """What the model reads of a batch: its `clip_inputs`."""
    return {name: batch[name] for name in model.clip_inputs}


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
