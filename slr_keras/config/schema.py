"""The fields of a recipe, with their defaults, limits and help texts.

`slr_keras.data.augmentation.AugmentationConfig`,
`slr_keras.data.video.augmentation.VideoAugmentationConfig`,
`slr_keras.data.composition.config.CompositionConfig` and `slr_keras.decoding.DecodingConfig`
document their fields next to the code that uses them.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from slr_keras.data.augmentation import AugmentationConfig
from slr_keras.data.composition.config import CompositionConfig
from slr_keras.data.video.augmentation import VideoAugmentationConfig
from slr_keras.decoding import DecodingConfig


def option(
    default: Any = dataclasses.MISSING,
    help: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
) -> Any:
    """Define a field with a help text and inclusive limits; the loader checks the limits."""
    metadata = {"help": help, "minimum": minimum, "maximum": maximum}
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: dict(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


# Values of `transduction.loss` whose decoder does not merge equal neighbours.
CONDITIONAL_LOSSES = ("cgd", "cst")


@dataclass(frozen=True)
class DataConfig:
    """Clips of a run, and how they are batched."""

    folder: str = option(
        help="data folder (keypoints.json, train.jsonl, ...), relative to the working directory"
    )
    train: str = option("train", "split for training")
    dev: str = option("dev", "split for the choice of the best epoch")
    test: str = option("test", "split that `evaluate` scores by default")
    vocabulary: str = option(
        "",
        "vocabulary file; empty: the folder's vocabulary.txt, else the glosses of the train split",
    )
    unknown_glosses: Literal["unk", "error"] = option(
        "unk",
        "glosses of dev and test that are not in the vocabulary: `unk` counts them as errors, "
        "`error` refuses the data (the train split must not have any)",
    )
    unseen_signers: bool = option(False, "refuse data whose splits share a signer")
    scoring: Literal["plain", "phoenix2014", "phoenix2014t"] = option(
        "plain", "clean-up rules applied to reference and hypothesis before the WER is computed"
    )
    batch_size: int = option(8, "clips per batch, summed over all devices", minimum=1)
    # Cutting of long clips: docs/papers/stark.md §1.6.
    max_frames: int = option(
        400, "longest clip in frames, a multiple of 4; longer clips are cut", minimum=4
    )
    buckets: tuple[int, ...] | None = option(
        None, "upper bounds of the length buckets in frames; null: quantiles of the train split"
    )
    clip_frames: int | None = option(
        None,
        "number of frames sampled from every clip, a multiple of 4; 0: all frames; null: the "
        "model's own `clip_frames`, or all frames if the model has none",
        minimum=0,
    )
    # The three rules: docs/papers/stepnet.md §2.2.
    clip_sampling: Literal["segments", "tsn", "consecutive"] = option(
        "segments",
        "how `clip_frames` are sampled in training: `segments`: one frame from each of equal "
        "segments; `tsn`: segments of rounded length, as in TSN; `consecutive`: frames in a row",
    )
    stream: Literal["rgb", "flow"] = option(
        "rgb", "input of a video model: RGB frames, or the optical flow made by `slr_keras.flow`"
    )


@dataclass(frozen=True)
class ModelConfig:
    """Name and options of the model, and its pretrained weights."""

    name: str = option("stark", "name of a model; `python -m slr_keras.summary` lists them")
    options: Mapping[str, Any] = option(
        {}, "keyword arguments of the model that replace those of its preset"
    )
    weights: str = option(
        "", "initial weights of the model: file of `slr_keras.convert --model`; empty: random"
    )
    backbone_weights: str = option(
        "",
        "initial weights of a video model's backbone: file of `slr_keras.convert` or "
        "`slr_keras.pretrain`, or a torchvision, timm, Hugging Face, TSM or I3D checkpoint; empty: "
        "random",
    )
    language_model: str = option(
        "",
        "initial weights of C²ST's gloss language model: file of `slr_keras.gloss_lm`; for `words` "
        "also a fastText or GloVe text file; for `bert` a keras-hub preset folder; empty: random",
    )


@dataclass(frozen=True)
class TrainingConfig:
    """Optimiser, schedule, loss and checkpoints. docs/papers/stark.md §2.3 and §2.5."""

    epochs: int = option(100, "passes over the train split", minimum=1)
    seed: int = option(
        0, "seed of initial weights, order of the clips, augmentation and dropout", minimum=0
    )
    optimiser: Literal["adam", "adamw", "momentum"] = option(
        "adam",
        "`adam`: PyTorch's Adam, which adds weight_decay * w to the gradient; `adamw`: decoupled "
        "weight decay; `momentum`: PyTorch's SGD with the first of `betas` as momentum",
    )
    learning_rate: float = option(1e-3, "peak of the schedule", minimum=0.0)
    betas: tuple[float, float] = option((0.9, 0.998), "decay rates of the two moments", 0.0, 1.0)
    epsilon: float = option(1e-8, "added to the root of the second moment", minimum=0.0)
    weight_decay: float = option(1e-3, "decay of all weights, also biases and norms", minimum=0.0)
    schedule: Literal["cosine", "cosine_per_epoch", "constant", "steps"] = option(
        "cosine",
        "`cosine`: cosine decay per step, after a warm-up; `cosine_per_epoch`: cosine decay per "
        "epoch, as published for STARK; `constant`: no decay; `steps`: multiplied by "
        "`schedule_factor` at each of `schedule_milestones`",
    )
    schedule_milestones: tuple[int, ...] = option(
        (), "epochs, from 0, at which `steps` lowers the learning rate"
    )
    schedule_factor: float = option(
        0.2, "factor by which `steps` multiplies the learning rate", minimum=0.0, maximum=1.0
    )
    schedule_epochs: int | None = option(
        None, "length of the cosine in epochs (T_max); null: `epochs`", minimum=1
    )
    final_learning_rate: float = option(
        0.0, "learning rate at the end of `cosine`; at most `learning_rate`", minimum=0.0
    )
    warm_up_epochs: float = option(
        1.0, "epochs of linear warm-up; `cosine_per_epoch` has no warm-up", minimum=0.0
    )
    clip_norm: float = option(
        0.0,
        "largest global norm of the gradients; larger gradients are scaled; 0: off",
        minimum=0.0,
    )
    accumulate: int = option(1, "batches per optimiser step (gradient accumulation)", minimum=1)
    moving_average: float = option(
        0.0, "decay of a moving average of the weights, evaluated and saved instead; 0: off", 0, 1
    )
    distillation_weight: float = option(
        1.0, "STARK: weight of the divergence of each head from the mean of all heads", minimum=0.0
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


@dataclass(frozen=True)
class TransductionConfig:
    """The objective of C²ST (docs/papers/c2st.md §5 to §7); other models ignore this section."""

    loss: Literal["ctc", "ctc_context", "cgd", "cst"] = option(
        "cst",
        "`cst`: conditional gloss decoder with sequence-level calibration; `cgd`: the decoder "
        "without calibration; `ctc_context`: CTC of logits conditioned on the previous glosses of "
        "the alignment (these three are Table 5 of the paper); `ctc`: CTC without context",
    )
    ctc_epochs: int = option(
        0,
        "number of initial epochs that train both levels with CTC without context, so that the "
        "model learns from the video before it learns from the previous glosses",
        minimum=0,
    )
    calibration: Literal["renormalised", "literal", "mwer"] = option(
        "renormalised",
        "calibration loss: `renormalised`: expected reward over the renormalised hypotheses; "
        "`literal`: expected reward as published; `mwer`: minimum word error rate",
    )
    calibration_weight: float = option(1.0, "weight of the calibration loss", minimum=0.0)
    calibration_start: float = option(
        0.5, "fraction of the epochs before calibration begins", minimum=0.0, maximum=1.0
    )
    hypotheses: int = option(4, "hypotheses sampled per clip and step", minimum=1)
    reward: Literal["inv", "exp"] = option(
        "inv",
        "reward of a hypothesis at edit distance d: `inv`: 1 / (1 + d); `exp`: "
        "exp(-d / `reward_temperature`)",
    )
    reward_temperature: float = option(1.0, "temperature of the reward `exp`", minimum=1e-3)
    divergence: Literal["aligned", "visual", "lattice", "none"] = option(
        "aligned",
        "distributions that the chunk level learns from the video level: `aligned`: with context, "
        "along the posterior alignment; `visual`: without context; `lattice`: averaged over the "
        "lattice; `none`: no such term",
    )
    divergence_weight: float = option(25.0, "weight of the divergence", minimum=0.0)
    divergence_temperature: float = option(8.0, "temperature of the divergence", minimum=1e-3)
    lifting_weight: float = option(0.001, "weight of the losses of lift pooling", minimum=0.0)


@dataclass(frozen=True)
class SelfDistillationConfig:
    """Terms of USTM's objective besides CTC; other models ignore them.

    See docs/papers/ustm.md §6.1.
    """

    weight: float = option(
        25.0, "weight of the divergence of the convolution head from the BiLSTM head", minimum=0.0
    )
    temperature: float = option(8.0, "temperature of the compared distributions", minimum=1e-3)
    lifting_weight: float = option(0.001, "weight of the losses of lift pooling", minimum=0.0)


@dataclass(frozen=True)
class DistributionConfig:
    """Where training runs; affects the speed, not the result."""

    strategy: Literal["single", "mirrored", "multi_worker"] = option(
        "single",
        "`single`: one device; `mirrored`: all devices of this machine; `multi_worker`: all "
        "machines in TF_CONFIG",
    )
    devices: tuple[str, ...] | int | None = option(
        None, 'device names such as "GPU:0", or a count; null: all GPUs, else the CPU', minimum=1
    )


@dataclass(frozen=True)
class Config:
    """One recipe: all options of a run."""

    data: DataConfig
    model: ModelConfig = dataclasses.field(default_factory=ModelConfig)
    augmentation: AugmentationConfig = dataclasses.field(default_factory=AugmentationConfig)
    video_augmentation: VideoAugmentationConfig = dataclasses.field(
        default_factory=VideoAugmentationConfig
    )
    composition: CompositionConfig = dataclasses.field(default_factory=CompositionConfig)
    training: TrainingConfig = dataclasses.field(default_factory=TrainingConfig)
    transduction: TransductionConfig = dataclasses.field(default_factory=TransductionConfig)
    self_distillation: SelfDistillationConfig = dataclasses.field(
        default_factory=SelfDistillationConfig
    )
    decoding: DecodingConfig = dataclasses.field(default_factory=DecodingConfig)
    distribution: DistributionConfig = dataclasses.field(default_factory=DistributionConfig)
