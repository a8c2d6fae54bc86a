"""The section `training` of a recipe."""

from dataclasses import dataclass
from typing import Literal

from slr_keras.config.option import option

MOST_EPOCHS = 1_000_000
# A seed of TensorFlow has 32 bits; `--seeds` counts on from it.
LARGEST_SEED = 2**31 - 1
LARGEST_WEIGHT = 1e6


@dataclass(frozen=True)
class TrainingConfig:
    """Optimiser, schedule, loss and checkpoints. docs/papers/stark.md §2.3 and §2.5."""

    epochs: int = option(100, "passes over the train split", minimum=1, maximum=MOST_EPOCHS)
    seed: int = option(
        0,
        "seed of initial weights, order of the clips, augmentation and dropout",
        minimum=0,
        maximum=LARGEST_SEED,
    )
    optimiser: Literal["adam", "adamw", "momentum"] = option(
        "adam",
        "`adam`: PyTorch's Adam, which adds weight_decay * w to the gradient; `adamw`: decoupled "
        "weight decay; `momentum`: PyTorch's SGD with the first of `betas` as momentum",
    )
    learning_rate: float = option(1e-3, "peak of the schedule", minimum=0.0, maximum=1e30)
    betas: tuple[float, float] = option((0.9, 0.998), "decay rates of the two moments", 0.0, 1.0)
    epsilon: float = option(
        1e-8, "added to the root of the second moment", minimum=0.0, maximum=1000.0
    )
    weight_decay: float = option(
        1e-3, "decay of all weights, also biases and norms", minimum=0.0, maximum=1000.0
    )
    schedule: Literal["cosine", "cosine_per_epoch", "constant", "steps"] = option(
        "cosine",
        "`cosine`: cosine decay per step, after a warm-up; `cosine_per_epoch`: cosine decay per "
        "epoch, as published for STARK; `constant`: no decay; `steps`: multiplied by "
        "`schedule_factor` at each of `schedule_milestones`",
    )
    schedule_milestones: tuple[int, ...] = option(
        (), "epochs, from 0, at which `steps` lowers the learning rate", 0, MOST_EPOCHS
    )
    schedule_factor: float = option(
        0.2, "factor by which `steps` multiplies the learning rate", minimum=0.0, maximum=1.0
    )
    schedule_epochs: int | None = option(
        None, "length of the cosine in epochs (T_max); null: `epochs`", 1, MOST_EPOCHS
    )
    final_learning_rate: float = option(
        0.0, "learning rate at the end of `cosine`; at most `learning_rate`", minimum=0.0
    )
    warm_up_epochs: float = option(
        1.0, "epochs of linear warm-up; `cosine_per_epoch` has no warm-up", 0.0, MOST_EPOCHS
    )
    clip_norm: float = option(
        0.0,
        "largest global norm of the gradients; larger gradients are scaled; 0: off",
        minimum=0.0,
        maximum=1e9,
    )
    accumulate: int = option(
        1, "batches per optimiser step (gradient accumulation)", minimum=1, maximum=1_000_000
    )
    moving_average: float = option(
        0.0, "decay of a moving average of the weights, evaluated and saved instead; 0: off", 0, 1
    )
    distillation_weight: float = option(
        1.0,
        "STARK: weight of the divergence of each head from the mean of all heads",
        minimum=0.0,
        maximum=LARGEST_WEIGHT,
    )
    span_weight: float = option(
        0.0,
        "models of sentences with a span head (`model.options.span_head`): weight of the loss that "
        "lets the steps inside a sign's span name the sign, on data with spans",
        minimum=0.0,
        maximum=LARGEST_WEIGHT,
    )
    label_smoothing: float = option(
        0.0,
        "models of isolated signs: fraction of the target that is spread evenly over all signs",
        minimum=0.0,
        maximum=1.0,
    )
    precision: Literal["float32", "mixed_bfloat16"] = option("float32", "dtype of the activations")
    jit_compile: bool = option(
        False, "compile the step with XLA: one compilation per batch shape, on one device only"
    )
    deterministic: bool = option(
        False, "use deterministic operations: repeated runs give equal results, but are slower"
    )
    max_infeasible: float = option(
        0.05,
        "largest fraction of train clips that may be too short for their glosses (CTC needs a step "
        "between two equal glosses, the decoder of C²ST does not); more is an error",
        minimum=0.0,
        maximum=1.0,
    )
    checkpoint_minutes: float = option(
        0.0,
        "minutes between checkpoints within an epoch; 0: save after each epoch only",
        minimum=0.0,
        maximum=1e6,
    )
    initial_run: str = option(
        "", "run whose best weights initialise the model (fine-tuning); empty: no run"
    )
    initial_except: tuple[str, ...] = option(
        (),
        "names of layers, such as `context`, that are not initialised from `initial_run`; the "
        "other layers must have the same shapes. If all `head_...` layers of a model of isolated "
        "signs are listed, that run may have another vocabulary",
    )
    teachers: tuple[str, ...] = option(
        (),
        "runs of the same vocabulary whose mean probability the model learns, too (distillation); "
        "`fit --seeds N --distil` fills this in",
    )
    teacher_weight: float = option(
        0.7, "fraction of the loss that comes from the teachers", minimum=0.0, maximum=1.0
    )
    teacher_temperature: float = option(
        1.0, "temperature of the compared distributions", minimum=1e-3, maximum=LARGEST_WEIGHT
    )
    frozen: tuple[str, ...] = option(
        (), "names of layers, such as `frame_encoder`, whose weights are not trained"
    )

    def __post_init__(self):
        if self.betas[0] >= 1 or self.betas[1] >= 1 or self.moving_average >= 1:
            raise ValueError("betas and moving_average must be below 1")
        if self.final_learning_rate > self.learning_rate:
            raise ValueError("final_learning_rate must be at most learning_rate")
        if self.final_learning_rate and self.schedule != "cosine":
            raise ValueError("final_learning_rate goes with schedule: cosine")
