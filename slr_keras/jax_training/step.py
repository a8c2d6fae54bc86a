"""One optimiser step as a pure function, compiled once for each shape of a batch."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import keras

from slr_keras.config.schema import TrainingConfig
from slr_keras.jax_training.losses import divergence, ensemble_log_probabilities, stark_losses
from slr_keras.utils.errors import UserError


class State(NamedTuple):
    """All that a step changes: weights, their statistics, Adam's moments, the weights' average."""

    trainable: list
    rest: list
    first: list
    second: list
    average: list
    steps: Any


class Teacher(NamedTuple):
    """A trained model that a smaller one learns from.

    Attributes:
        model: gives logits by head; their mean is taken.
        variables: its trainable and its other variables.
        weight: of the divergence from it, beside CTC.
    """

    model: keras.Model
    variables: tuple[list, list]
    weight: float


def initial_state(model: keras.Model, config: TrainingConfig) -> State:
    """The state before the first step, from the model's variables as they are."""
    trainable = [variable.value for variable in model.trainable_variables]
    # Two lists may not share memory: the step gives all of it back to be used again.
    zeros = [[jnp.zeros_like(w) for w in trainable] for _ in range(2)]
    average = [jnp.array(w, copy=True) for w in trainable] if config.moving_average else []
    rest = [variable.value for variable in model.non_trainable_variables]
    return State(trainable, rest, *zeros, average, jnp.zeros((), "int32"))


def make_step(
    model: keras.Model, config: TrainingConfig, teacher: Teacher | None = None
) -> Callable[[State, Mapping[str, Any], Any], tuple[State, dict[str, Any]]]:
    """The step: `(state, batch, learning rate)` to the next state and sums over the clips.

    Args:
        model: a STARK; its variables are read only for the first state.
        config: of the optimiser, as `slr_keras.fit` takes it.
        teacher: what a smaller model learns from beside the glosses.

    Raises:
        UserError: an optimiser or option that is not here.
    """
    if config.optimiser == "momentum" or config.accumulate > 1:
        raise UserError("fit_jax has the optimisers adam and adamw, and no training.accumulate")

    def losses(trainable, rest, batch):
        inputs = {name: batch[name] for name in model.clip_inputs}
        logits, rest = model.stateless_call(trainable, rest, inputs, training=True)
        steps = batch["frames"] // model.stride
        terms = stark_losses(batch["labels"], logits, batch["label_lengths"], steps)
        loss = terms["ctc"] + config.distillation_weight * terms["distillation"]
        if teacher is not None:
            terms["teacher"] = _from_teacher(teacher, inputs, logits, steps)
            loss = loss + teacher.weight * terms["teacher"]
        weight = batch["weight"]
        sums = {name: jnp.sum(weight * term) for name, term in terms.items()}
        sums |= {"loss": jnp.sum(weight * loss), "clips": jnp.sum(weight)}
        return sums["loss"] / jnp.maximum(sums["clips"], 1.0), (rest, sums)

    def step(state: State, batch, rate):
        gradients, (rest, sums) = jax.grad(losses, has_aux=True)(state.trainable, state.rest, batch)
        gradients, norm = _clipped(gradients, config.clip_norm)
        return _updated(state, gradients, rest, rate, config), {**sums, "gradient_norm": norm}

    return jax.jit(step, donate_argnums=0)


def _from_teacher(teacher: Teacher, inputs, logits, steps):
    spoken, _ = teacher.model.stateless_call(*teacher.variables, inputs, training=False)
    mask = jnp.arange(next(iter(logits.values())).shape[1]) < steps[:, None]
    return divergence(ensemble_log_probabilities(spoken), logits, mask)


def _clipped(gradients, limit: float):
    norm = jnp.sqrt(sum(jnp.sum(jnp.square(g.astype("float32"))) for g in gradients))
    if not limit:
        return gradients, norm
    return [g * (limit / jnp.maximum(norm, limit)) for g in gradients], norm


def _updated(state: State, gradients, rest, rate, config: TrainingConfig) -> State:
    """Adam with PyTorch's numbers, see `slr_keras.training.optimiser`."""
    taken = (state.steps + 1).astype("float32")
    first_beta, second_beta = config.betas
    # 1 - beta ** t by its logarithm: float32 would lose half its digits.
    first_share, second_share = (-jnp.expm1(taken * jnp.log(b)) for b in (first_beta, second_beta))
    decoupled = config.optimiser == "adamw"
    trainable, moments = [], ([], [])
    for w, g, m, v in zip(state.trainable, gradients, state.first, state.second):
        if decoupled:
            w = w - rate * config.weight_decay * w
        else:
            g = g + config.weight_decay * w
        m = first_beta * m + (1 - first_beta) * g
        v = second_beta * v + (1 - second_beta) * jnp.square(g)
        root = jnp.sqrt(v / second_share) + config.epsilon
        trainable.append(w - rate * (m / first_share) / root)
        moments[0].append(m)
        moments[1].append(v)
    keep = jnp.minimum(taken / (9 + taken), config.moving_average)
    average = [keep * a + (1 - keep) * w for a, w in zip(state.average, trainable)]
    return State(trainable, rest, *moments, average, state.steps + 1)
