"""The fields of a recipe, with their defaults, limits and meaning.

`slr_keras.data.augmentation.AugmentationConfig` and `slr_keras.decoding.DecodingConfig` document
theirs beside the code that they steer.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from slr_keras.data.augmentation import AugmentationConfig
from slr_keras.data.video.augmentation import VideoAugmentationConfig
from slr_keras.decoding import DecodingConfig


def option(
    default: Any = dataclasses.MISSING,
    help: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
) -> Any:
    """A field with its meaning and its limits (both inclusive), which the loader checks."""
    metadata = {"help": help, "minimum": minimum, "maximum": maximum}
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: dict(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


# Of `transduction.loss`, those whose decoder keeps equal neighbours apart; the others merge them.
CONDITIONAL_LOSSES = ("cgd", "cst")


@dataclass(frozen=True)
class DataConfig:
    """Which clips are learnt from, and how they are batched."""

    folder: str = option(
        help="data folder (keypoints.json, train.jsonl, ...), relative to where the command runs"
    )
    train: str = option("train", "split that is learnt from")
    dev: str = option("dev", "split that the best epoch is chosen on")
    test: str = option("test", "split that `evaluate` scores unless told otherwise")
    vocabulary: str = option(
        "", "vocabulary file; empty: vocabulary.txt of the folder, else built from the train split"
    )
    unknown_glosses: Literal["unk", "error"] = option(
        "unk",
        "glosses of dev and test that training never shows: `unk` counts them as the errors they "
        "are, `error` refuses them (in the train split they are always refused)",
    )
    unseen_signers: bool = option(False, "refuse data whose splits share a signer")
    scoring: Literal["plain", "phoenix2014", "phoenix2014t"] = option(
        "plain", "clean-up rules applied to reference and hypothesis before the WER"
    )
    batch_size: int = option(8, "clips in a batch, over all devices together", minimum=1)
    max_frames: int = option(400, "longer clips are cut (specs/stark.md §1.6)", minimum=4)
    buckets: tuple[int, ...] | None = option(
        None, "frame counts that separate length buckets; null: quantiles of the train split"
    )
    clip_frames: int | None = option(
        None,
        "frames taken of every clip, long or short, a multiple of 4; 0: all of its own; null: what "
        "the model's option of that name says, or all",
        minimum=0,
    )
    clip_sampling: Literal["segments", "tsn", "consecutive"] = option(
        "segments",
        "which frames those are in training: one of each of equal segments; one of segments of "
        "whole length, as TSN draws; so many in a row (specs/stepnet.md §2.2)",
    )
    stream: Literal["rgb", "flow"] = option(
        "rgb", "what a model of video sees: the pictures, or the optical flow of `slr_keras.flow`"
    )


@dataclass(frozen=True)
class ModelConfig:
    """Which model, by the name under which it is registered, and what differs in it."""

    name: str = option("stark", "a name that `python -m slr_keras.summary` lists")
    options: Mapping[str, Any] = option({}, "keyword arguments of the model, beyond its preset")
    weights: str = option(
        "", "file of `slr_keras.convert --model` that the whole model takes its first weights from"
    )
    backbone_weights: str = option(
        "",
        "file that a model of video takes its backbone's first weights from: of "
        "`slr_keras.convert`, or a torchvision, timm, Hugging Face, TSM or I3D checkpoint",
    )
    language_model: str = option(
        "",
        "what C²ST takes its gloss language model from: a file of `slr_keras.gloss_lm`; for "
        "`words` also a text file of fastText or GloVe; for `bert` a folder of keras-hub",
    )


@dataclass(frozen=True)
class TrainingConfig:
    """Optimiser, schedule, loss and checkpoints. specs/stark.md §2.3 and §2.5."""

    epochs: int = option(100, "passes over the train split", minimum=1)
    seed: int = option(0, "initial weights, order of the clips, augmentation, dropout", minimum=0)
    optimiser: Literal["adam", "adamw", "momentum"] = option(
        "adam",
        "`adam` adds weight_decay * w to each gradient (PyTorch's Adam); `adamw` decouples; "
        "`momentum`: PyTorch's SGD, with the first of `betas`",
    )
    learning_rate: float = option(1e-3, "peak of the schedule", minimum=0.0)
    betas: tuple[float, float] = option((0.9, 0.998), "decay of the two moments", 0.0, 1.0)
    epsilon: float = option(1e-8, "added to the root of the second moment", minimum=0.0)
    weight_decay: float = option(1e-3, "on every variable, biases and norms included", minimum=0.0)
    schedule: Literal["cosine", "cosine_per_epoch", "constant", "steps"] = option(
        "cosine",
        "`cosine`: per step, after a warm-up; `cosine_per_epoch`: STARK's literal recipe; `steps`: "
        "the rate times `schedule_factor` from each of `schedule_milestones` on",
    )
    schedule_milestones: tuple[int, ...] = option(
        (), "epochs, from 0, from which `steps` lowers the rate; each lowers it again"
    )
    schedule_factor: float = option(0.2, "what `steps` lowers by", minimum=0.0, maximum=1.0)
    schedule_epochs: int | None = option(
        None, "length of the cosine in epochs (T_max); null: `epochs`", minimum=1
    )
    final_learning_rate: float = option(
        0.0, "what `cosine` falls to; at most `learning_rate`", minimum=0.0
    )
    warm_up_epochs: float = option(
        1.0, "epochs of linear rise before the rest (all but `cosine_per_epoch`)", minimum=0.0
    )
    clip_norm: float = option(
        0.0, "gradients are scaled to at most this global norm; 0: never", minimum=0.0
    )
    accumulate: int = option(1, "batches whose gradients make one step", minimum=1)
    moving_average: float = option(
        0.0, "decay of an average of the weights, which is then evaluated and kept; 0: none", 0, 1
    )
    distillation_weight: float = option(
        1.0, "STARK: weight of the divergence of each head from their mean", minimum=0.0
    )
    label_smoothing: float = option(
        0.0,
        "models of isolated signs: share of the target that all signs have alike",
        minimum=0.0,
        maximum=1.0,
    )
    precision: Literal["float32", "mixed_bfloat16"] = option("float32", "type of the activations")
    jit_compile: bool = option(
        False, "compile the step with XLA (one compilation per batch shape; one device only)"
    )
    deterministic: bool = option(
        False, "the same numbers on every run of the same recipe, at some cost in speed"
    )
    max_infeasible: float = option(
        0.05,
        "share of train clips that may be too short for their glosses (CTC, unlike C²ST's decoder, "
        "needs a step between equal ones); more is refused",
        minimum=0.0,
        maximum=1.0,
    )
    checkpoint_minutes: float = option(
        0.0, "also save within an epoch, this often; 0: after epochs only", minimum=0.0
    )
    initial_run: str = option("", "run whose best weights training starts from (fine-tuning)")
    initial_except: tuple[str, ...] = option(
        (),
        "layers of the model that begin anew all the same, by name, such as `context`; all other "
        "weights must be those of `initial_run`. With all `head_...` of a model of isolated signs "
        "among them that run may have another vocabulary",
    )
    frozen: tuple[str, ...] = option(
        (), "layers of the model that keep their first weights, by name, such as `frame_encoder`"
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
    """The objective of C²ST (specs/c2st.md §5 to §7); models without contexts take no notice."""

    loss: Literal["ctc", "ctc_context", "cgd", "cst"] = option(
        "cst",
        "`cst`: conditional gloss decoder and sequence-level calibration; `cgd`: the former alone; "
        "`ctc_context`: CTC of the logits that each step has given the glosses before it, as the "
        "lattice aligns them (§4 mode C; these three are Table 5 of the paper); `ctc`: CTC without "
        "context",
    )
    ctc_epochs: int = option(
        0,
        "epochs at the start in which both levels learn CTC without context instead: a decoder "
        "that knows the glosses before learns them first and looks at the video late (§9)",
        minimum=0,
    )
    calibration: Literal["renormalised", "literal", "mwer"] = option(
        "renormalised", "expected reward over the hypotheses, or minimum word error rate (§6.2)"
    )
    calibration_weight: float = option(1.0, "beside the loss of the reference", minimum=0.0)
    calibration_start: float = option(
        0.5, "share of the epochs before calibration begins", minimum=0.0, maximum=1.0
    )
    hypotheses: int = option(4, "sequences drawn per clip and step", minimum=1)
    reward: Literal["inv", "exp"] = option(
        "inv", "of a hypothesis at edit distance d: 1 / (1 + d), or exp(-d / temperature)"
    )
    reward_temperature: float = option(1.0, "of the exponential reward", minimum=1e-3)
    divergence: Literal["aligned", "visual", "lattice", "none"] = option(
        "aligned", "which distributions of the chunk level learn from the video level's (§7)"
    )
    divergence_weight: float = option(25.0, "of that divergence", minimum=0.0)
    divergence_temperature: float = option(8.0, "of its distributions", minimum=1e-3)
    lifting_weight: float = option(
        0.001, "of the two losses of temporal lift pooling (§2.4)", minimum=0.0
    )


@dataclass(frozen=True)
class SelfDistillationConfig:
    """The objective of USTM beside its two CTC terms (specs/ustm.md §6.1); other models take no
    notice."""

    weight: float = option(
        25.0, "of the divergence of the convolutions' glosses from the BiLSTM's", minimum=0.0
    )
    temperature: float = option(8.0, "of the distributions that are compared", minimum=1e-3)
    lifting_weight: float = option(
        0.001, "of the two losses of temporal lift pooling (§5.2)", minimum=0.0
    )


@dataclass(frozen=True)
class DistributionConfig:
    """Where training runs. It changes the speed, not the result."""

    strategy: Literal["single", "mirrored", "multi_worker"] = option(
        "single", "one device; all devices of this machine; all machines of TF_CONFIG"
    )
    devices: tuple[str, ...] | int | None = option(
        None, 'names ("GPU:0") or a count; null: every GPU, or the CPU', minimum=1
    )


@dataclass(frozen=True)
class Config:
    """One recipe: everything that a run depends on."""

    data: DataConfig
    model: ModelConfig = dataclasses.field(default_factory=ModelConfig)
    augmentation: AugmentationConfig = dataclasses.field(default_factory=AugmentationConfig)
    video_augmentation: VideoAugmentationConfig = dataclasses.field(
        default_factory=VideoAugmentationConfig
    )
    training: TrainingConfig = dataclasses.field(default_factory=TrainingConfig)
    transduction: TransductionConfig = dataclasses.field(default_factory=TransductionConfig)
    self_distillation: SelfDistillationConfig = dataclasses.field(
        default_factory=SelfDistillationConfig
    )
    decoding: DecodingConfig = dataclasses.field(default_factory=DecodingConfig)
    distribution: DistributionConfig = dataclasses.field(default_factory=DistributionConfig)
