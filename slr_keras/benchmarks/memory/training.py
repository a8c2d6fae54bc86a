"""The memory of a recipe's training step."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from slr_keras.benchmarks.memory.dry_run import DryRun
from slr_keras.benchmarks.memory.inference import OpenShapeError
from slr_keras.benchmarks.memory.ledger import (
    Ledger,
    Tensor,
    Value,
    Variable,
    bytes_of,
)
from slr_keras.benchmarks.memory.resources import UnknownOperationError
from slr_keras.config import Config
from slr_keras.data.batch import Batch, FrameSpec, collate, element_spec
from slr_keras.training.model import Contract, build_model
from slr_keras.training.objectives.base import Objective
from slr_keras.training.objectives.factory import make_objective
from slr_keras.training.step import TrainingStep, make_optimiser
from slr_keras.utils.errors import UserError

#: What memory is used for; see `StepMemory`.
KINDS = ("weights", "optimiser", "batch", "activations", "gradients")
_FORWARD_ENDS = "forward_ends_here"


@dataclass(frozen=True)
class StepMemory:
    """What one training step takes, in bytes.

    Attributes:
        clips, frames: of the batch, all clips equally long.
        peak: the most that is in use at a time.
        weights: of the model, its statistics included.
        optimiser: moments, moving average, and gradients that are kept for accumulation.
        batch: the input.
        activations: what the forward pass made and is in use at the peak.
        gradients: what was made after it, likewise, activations that were computed again included.
        kept: what the forward pass keeps for the backward pass when it ends.
    """

    clips: int
    frames: int
    peak: int
    weights: int
    optimiser: int
    batch: int
    activations: int
    gradients: int
    kept: int


class _Marked:
    """An objective that marks where the forward pass ends."""

    def __init__(self, objective: Objective):
        self.objective = objective
        self.terms, self.controls = objective.terms, objective.controls

    def at(self, epoch: int) -> dict[str, float]:
        return self.objective.at(epoch)

    def __call__(self, model, batch, controls):
        losses, terms = self.objective(model, batch, controls)
        with tf.name_scope(_FORWARD_ENDS):
            return tf.identity(losses), terms


class TracedStep:
    """A recipe's training step, traced once; `measure` runs it dry for any batch.

    Args:
        config: the recipe.
        contract: what the model sees.
        classes: of the vocabulary, with the blank.

    Attributes:
        step: the training step itself, to run it in earnest.
        frame: what one frame of a batch is.

    Raises:
        UserError: the recipe has XLA compile the step, which plans its memory by itself.

    >>> from slr_keras.config import parse_config
    >>> from slr_keras.data.video.contract import FrameContract
    >>> from slr_keras.benchmarks.memory.training import TracedStep
    >>> config = parse_config({"data": {"folder": "data"}, "model": {"name": "c2st_tiny"}})
    >>> step = TracedStep(config, FrameContract(size=(64, 64)), classes=5)
    >>> record = step.measure(clips=1, frames=8, glosses=2)
    >>> record.kept > 0
    True
    """

    def __init__(self, config: Config, contract: Contract, classes: int):
        if config.training.jit_compile:
            raise UserError(
                "training.jit_compile: XLA plans its memory by itself, which a dry run does not "
                "know; add --set training.jit_compile=false"
            )
        self.classes = classes
        self.model = build_model(config, classes, contract, config.training.precision)
        objective = make_objective(self.model, config)
        optimiser = make_optimiser(self.model, config.training)
        self.frame = _frame(contract)
        # Of the last epoch: every part of the objective has begun.
        self._controls = objective.at(config.training.epochs - 1)
        self.step = TrainingStep(
            tf.distribute.get_strategy(),
            self.model,
            _Marked(objective),
            optimiser,
            config.training,
            element_spec(self.frame),
        )
        self._function = self.step.trace()
        self._run = DryRun(self._function.graph)
        self._kept = {
            "weights": [variable.value for variable in self.model.variables],
            "optimiser": [*optimiser.variables, *self.step.held],
        }

    def measure(self, clips: int, frames: int, glosses: int) -> StepMemory:
        """Run the step without its numbers.

        Args:
            clips: in the batch.
            frames: of every clip, a multiple of the model's stride.
            glosses: of every clip.

        Raises:
            UserError: the model cannot take the clips.
        """
        self._check(frames, glosses)
        ledger = Ledger("activations")
        variables = _variables(self._kept, ledger)
        arguments = self._arguments(self.batch(clips, frames, glosses), ledger)
        arguments += [
            _captured(tensor, variables, ledger) for tensor in self._function.captured_inputs
        ]
        kept = []

        def follow(op: tf.Operation) -> None:
            if not kept and op.name.startswith(_FORWARD_ENDS):
                kept.append(ledger.live["activations"])
                ledger.kind = "gradients"

        try:
            self._run.run(arguments, ledger, follow)
        except (OpenShapeError, UnknownOperationError) as error:
            raise UserError(
                f"the memory of this recipe cannot be told in advance: {error}"
            ) from None
        sizes = {kind: ledger.at_peak.get(kind, 0) for kind in KINDS}
        return StepMemory(clips, frames, ledger.peak, **sizes, kept=kept[0])

    def _check(self, frames: int, glosses: int) -> None:
        stride = self.model.stride
        if frames % stride:
            raise UserError(f"--frames {frames}: the model takes multiples of {stride} frames")
        _, longest = getattr(self.model, "frames_range", (1, None))
        if longest is not None and frames > longest:
            raise UserError(f"--frames {frames}: the model has room for {longest} frames")
        if frames < stride * glosses:
            raise UserError(
                f"--glosses {glosses}: {frames} frames have {frames // stride} steps, too few; "
                "give fewer glosses or more frames"
            )

    def batch(self, clips: int, frames: int, glosses: int) -> Batch:
        """A batch of black frames, as the data would give it."""
        # Neighbours differ, so that they need no blank between them.
        labels = 1 + np.arange(glosses, dtype=np.int32) % (self.classes - 1)
        clip = np.zeros((frames, *self.frame.shape), self.frame.dtype), labels
        return collate([clip] * clips, range(clips), [1.0] * clips, frames, self.frame)

    def _arguments(self, batch: Batch, ledger: Ledger) -> list[Value]:
        ledger.kind = "batch"
        # In the order in which TensorFlow flattens mappings.
        arguments = [
            _tensor(array, ledger, known=name != self.frame.name)
            for name, array in sorted(batch.items())
        ]
        ledger.kind = "activations"
        controls = [np.float32(self._controls[name]) for name in sorted(self._controls)]
        return arguments + [_tensor(value, ledger) for value in (*controls, np.float32(0))]


def _frame(contract: Contract) -> FrameSpec:
    if contract.modality == "keypoints":
        return FrameSpec("keypoints", (len(contract.points), len(contract.channels)))
    return FrameSpec("video", contract.shape, "uint8")


def _variables(kept: Mapping[str, list], ledger: Ledger) -> dict[int, Variable]:
    """Variables by their handle; all are there, whether the step uses them or not."""
    by_handle = {}
    for kind, variables in kept.items():
        ledger.kind = kind
        for variable in variables:
            shape = tuple(variable.shape)
            buffer = ledger.buffer(bytes_of(shape, variable.dtype))
            by_handle[id(variable.handle)] = Variable(Tensor(variable.dtype, shape, buffer))
    ledger.kind = "activations"
    return by_handle


def _captured(tensor: tf.Tensor, variables: Mapping[int, Variable], ledger: Ledger) -> Value:
    if tensor.dtype == tf.resource:
        return variables[id(tensor)]
    return _tensor(tensor.numpy(), ledger)


def _tensor(array: np.ndarray | np.generic, ledger: Ledger, known: bool = True) -> Tensor:
    """An array as a tensor of a dry run, with its content where that is known there."""
    buffer = ledger.buffer(array.nbytes)
    return Tensor(
        tf.as_dtype(array.dtype), array.shape, buffer, np.asarray(array) if known else None
    )
