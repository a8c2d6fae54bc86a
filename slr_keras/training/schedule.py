"""Learning rate schedules as pure functions of the epoch and step."""

import math

from slr_keras.config.schema import TrainingConfig


def cosine_per_epoch(epoch: int, peak: float, length: int) -> float:
    """Learning rate of an epoch in the published recipe (docs/papers/stark.md §2.5).

    The recipe advances the cosine at the start of each epoch: the first epoch is already below the
    peak, and the last of `length` epochs has rate 0.

    Args:
        epoch: from 0.
        peak: rate at the top of the cosine.
        length: T_max, in epochs.

    >>> from slr_keras.training.schedule import cosine_per_epoch
    >>> [round(cosine_per_epoch(epoch, 1e-3, 100), 7) for epoch in (0, 49, 99)]
    [0.0009998, 0.0005, 0.0]
    """
    return 0.5 * peak * (1 + math.cos(math.pi * (epoch + 1) / length))


def warm_up(step: int, steps: int) -> float:
    """Fraction of the peak during a linear warm-up: 1/steps at the first step, 1 at the last."""
    return min(1.0, (step + 1) / steps) if steps else 1.0


def cosine_per_step(
    step: int, peak: float, length: int, warm_up_steps: int = 0, final: float = 0.0
) -> float:
    """Learning rate of one step: linear warm-up, then cosine decay.

    Args:
        step: from 0.
        peak: rate at the end of the warm-up.
        length: steps of warm-up and cosine together.
        warm_up_steps: steps of the warm-up.
        final: rate at the end of the cosine.

    >>> from slr_keras.training.schedule import cosine_per_step
    >>> [cosine_per_step(step, 1.0, 14, 4) for step in (0, 3, 4, 9)]
    [0.25, 1.0, 1.0, 0.5]
    """
    if step < warm_up_steps:
        return peak * warm_up(step, warm_up_steps)
    position = min(1.0, (step - warm_up_steps) / max(length - warm_up_steps, 1))
    return final + 0.5 * (peak - final) * (1 + math.cos(math.pi * position))


def learning_rate(config: TrainingConfig, epoch: int, step: int, steps_per_epoch: int) -> float:
    """Learning rate of one optimiser step of a run.

    Args:
        config: schedule and its options.
        epoch: epoch of the step, from 0.
        step: step since the beginning of training, from 0.
        steps_per_epoch: optimiser steps in an epoch.
    """
    epochs = config.schedule_epochs or config.epochs
    length = epochs * steps_per_epoch
    # The warm-up takes at most half of a short run.
    rise = min(round(config.warm_up_epochs * steps_per_epoch), length // 2)
    if config.schedule == "cosine_per_epoch":
        return cosine_per_epoch(epoch, config.learning_rate, epochs)
    if config.schedule == "cosine":
        final = config.final_learning_rate
        return cosine_per_step(step, config.learning_rate, length, rise, final)
    lowered = sum(epoch >= milestone for milestone in config.schedule_milestones)
    factor = config.schedule_factor**lowered if config.schedule == "steps" else 1.0
    return config.learning_rate * factor * warm_up(step, rise)
