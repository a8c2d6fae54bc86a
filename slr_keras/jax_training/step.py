"""The training step as a pure function, compiled once for each batch shape."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import keras

from slr_keras.config.schema import TrainingConfig
from slr_keras.jax_training.losses import divergence, ensemble_log_probabilities, stark_losses
from slr_keras.utils.errors import UserError


class State(NamedTuple):
    """State of a training: weights, other variables, Adam's moments, average of the weights."""

    trainable: list
    rest: list
    first: list
    second: list
    average: list
    steps: Any


class Teacher(NamedTuple):
    """A trained model that a smaller model is distilled from.

    Attributes:
        model: returns logits by head; the teacher is the mean of the heads.
        variables: trainable and other variables of the model.
        weight: weight of the divergence from the teacher.
    """

    model: keras.Model
    variables: tuple[list, list]
    weight: float


def initial_state(model: keras.Model, config: TrainingConfig) -> State:
    """The state before the first step, from the current variables of the model."""
    trainable = [variable.value for variable in model.trainable_variables]
    # The lists must not share memory, because the step donates its buffers.
    zeros = [[jnp.zeros_like(w) for w in trainable] for _ in range(2)]
    average = [jnp.array(w, copy=True) for w in trainable] if config.moving_average else []
    rest = [variable.value for variable in model.non_trainable_variables]
    return State(trainable, rest, *zeros, average, jnp.zeros((), "int32"))


def make_step(
    model: keras.Model, config: TrainingConfig, teacher: Teacher | None = None
) -> Callable[[State, Mapping[str, Any], Any], tuple[State, dict[str, Any]]]:
    """Create the step: `(state, batch, learning rate)` to the next state and sums over the clips.

    Args:
        model: a STARK model; its variables are not read.
        config: options of optimiser and losses, as for `slr fit`.
        teacher: model to distil from in addition to the glosses.

    Raises:
        UserError: the optimiser or an option is not available in JAX.
    """
    if config.optimiser == "momentum" or config.accumulate > 1:
        raise UserError(
            "fit_jax supports the optimisers adam and adamw, without training.accumulate; change "
            "these options or use `slr fit`"
        )

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
    teacher_logits, _ = teacher.model.stateless_call(*teacher.variables, inputs, training=False)
    mask = jnp.arange(next(iter(logits.values())).shape[1]) < steps[:, None]
    return divergence(ensemble_log_probabilities(teacher_logits), logits, mask)


def _clipped(gradients, limit: float):
    norm = jnp.sqrt(sum(jnp.sum(jnp.square(g.astype("float32"))) for g in gradients))
    if not limit:
        return gradients, norm
    return [g * (limit / jnp.maximum(norm, limit)) for g in gradients], norm


def _updated(state: State, gradients, rest, rate, config: TrainingConfig) -> State:
    """Adam with the arithmetic of PyTorch, see `slr_keras.training.optimiser`."""
    taken = (state.steps + 1).astype("float32")
    first_beta, second_beta = config.betas
    # 1 - beta ** t by expm1, because float32 would lose half its digits.
    first_scale, second_scale = (-jnp.expm1(taken * jnp.log(b)) for b in (first_beta, second_beta))
    decoupled = config.optimiser == "adamw"
    trainable, moments = [], ([], [])
    for w, g, m, v in zip(state.trainable, gradients, state.first, state.second):
        if decoupled:
            w = w - rate * config.weight_decay * w
        else:
            g = g + config.weight_decay * w
        m = first_beta * m + (1 - first_beta) * g
        v = second_beta * v + (1 - second_beta) * jnp.square(g)
        root = jnp.sqrt(v / second_scale) + config.epsilon
        trainable.append(w - rate * (m / first_scale) / root)
        moments[0].append(m)
        moments[1].append(v)
    keep = jnp.minimum(taken / (9 + taken), config.moving_average)
    average = [keep * a + (1 - keep) * w for a, w in zip(state.average, trainable)]
    return State(trainable, rest, *moments, average, state.steps + 1)
