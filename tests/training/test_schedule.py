"""Learning rates of the recipes."""

import itertools
import math

import pytest

from slr_keras.config import TrainingConfig
from slr_keras.training.schedule import cosine_per_step, learning_rate


def test_literal_cosine_is_the_formula_of_the_recipe_at_every_epoch():
    config = TrainingConfig(schedule="cosine_per_epoch", epochs=100)
    for epoch in range(100):
        expected = 0.5e-3 * (1 + math.cos(math.pi * (epoch + 1) / 100))
        for step in (epoch * 7, epoch * 7 + 6):
            assert learning_rate(config, epoch, step, 7) == pytest.approx(expected, abs=1e-12)


def test_literal_cosine_ends_at_zero():
    config = TrainingConfig(schedule="cosine_per_epoch", epochs=100)
    assert learning_rate(config, 99, 999, 10) == pytest.approx(0, abs=1e-15)


def test_default_rises_over_the_warm_up_then_only_falls_and_stays_positive():
    config = TrainingConfig(epochs=10, warm_up_epochs=2, learning_rate=0.01)
    rates = [learning_rate(config, step // 5, step, 5) for step in range(50)]
    assert rates[0] == pytest.approx(0.001)
    assert rates[9] == rates[10] == pytest.approx(0.01)
    assert all(a < b for a, b in itertools.pairwise(rates[:10]))
    assert all(a > b for a, b in itertools.pairwise(rates[10:]))
    assert 0 < rates[-1] < 1e-4


def test_warm_up_takes_at_most_half_of_a_short_run():
    config = TrainingConfig(epochs=1, warm_up_epochs=5, learning_rate=1.0)
    rates = [learning_rate(config, 0, step, 8) for step in range(8)]
    assert max(rates) == rates[3] == 1.0


def test_schedule_epochs_sets_the_length_of_the_cosine():
    config = TrainingConfig(epochs=50, schedule_epochs=100, warm_up_epochs=0, learning_rate=1.0)
    assert learning_rate(config, 49, 499, 10) > 0.5
    assert cosine_per_step(2000, 1.0, 1000) == 0


def test_constant_stays_after_its_warm_up():
    config = TrainingConfig(schedule="constant", epochs=10, warm_up_epochs=1, learning_rate=0.5)
    assert learning_rate(config, 0, 0, 10) == pytest.approx(0.05)
    assert {learning_rate(config, e, e * 10, 10) for e in range(1, 10)} == {0.5}


def test_steps_lower_the_rate_at_each_milestone():
    config = TrainingConfig(
        schedule="steps",
        epochs=80,
        learning_rate=1e-4,
        warm_up_epochs=0,
        schedule_milestones=(40, 60),
    )
    rates = [learning_rate(config, epoch, 10 * epoch, 10) for epoch in (0, 39, 40, 59, 60, 79)]
    assert rates == pytest.approx([1e-4, 1e-4, 2e-5, 2e-5, 4e-6, 4e-6])


def test_a_cosine_falls_to_the_rate_that_is_asked_for():
    # docs/papers/stepnet.md §9: 5 epochs of warm-up, then from 1e-4 to 1e-5 at epoch 100.
    config = TrainingConfig(
        epochs=100, warm_up_epochs=5, learning_rate=1e-4, final_learning_rate=1e-5
    )
    steps, warm_up = 180, 900
    rates = [learning_rate(config, step // steps, step, steps) for step in range(100 * steps)]
    assert rates[0] == pytest.approx(1e-4 / warm_up)
    assert rates[warm_up - 1] == pytest.approx(1e-4)
    for step in (warm_up, 5000, 17999):
        angle = math.pi * (step - warm_up) / (100 * steps - warm_up)
        assert rates[step] == pytest.approx(1e-5 + 0.5 * 9e-5 * (1 + math.cos(angle)))
    assert rates[-1] == pytest.approx(1e-5, rel=1e-4)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"final_learning_rate": 1.0}, "at most learning_rate"),
        ({"final_learning_rate": 1e-5, "schedule": "steps"}, "goes with schedule: cosine"),
    ],
)
def test_a_final_rate_that_would_not_be_reached_is_refused(changes, says):
    with pytest.raises(ValueError, match=says):
        TrainingConfig(**changes)
