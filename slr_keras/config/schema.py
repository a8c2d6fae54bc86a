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

from slr_keras.config.option import option
from slr_keras.config.training import LARGEST_WEIGHT, MOST_EPOCHS, TrainingConfig
from slr_keras.data.augmentation import AugmentationConfig
from slr_keras.data.checked_options import MOST_FRAMES
from slr_keras.data.composition.config import CompositionConfig
from slr_keras.data.video.augmentation import VideoAugmentationConfig
from slr_keras.decoding import DecodingConfig

MOST_CLIPS = 65_536
# Bytes; files of a run begin with the name of a split.
_LONGEST_SPLIT = 200

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
    train_on_dev: bool = option(
        False,
        "also learn from the dev split, once every choice is made; the last weights are kept, and "
        "the dev score says nothing",
    )
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
    batch_size: int = option(
        8, "clips per batch, summed over all devices", minimum=1, maximum=MOST_CLIPS
    )
    # Cutting of long clips: docs/papers/stark.md §1.6.
    max_frames: int = option(
        400, "longest clip in frames, a multiple of 4; longer clips are cut", 4, MOST_FRAMES
    )
    buckets: tuple[int, ...] | None = option(
        None,
        "upper bounds of the length buckets in frames; null: quantiles of the train split",
        1,
        MOST_FRAMES,
    )
    clip_frames: int | None = option(
        None,
        "number of frames sampled from every clip, a multiple of 4; 0: all frames; null: the "
        "model's own `clip_frames`, or all frames if the model has none",
        minimum=0,
        maximum=MOST_FRAMES,
    )
    # The three rules: docs/papers/stepnet.md §2.2.
    clip_sampling: Literal["segments", "tsn", "consecutive"] = option(
        "segments",
        "how `clip_frames` are sampled in training: `segments`: one frame from each of equal "
        "segments; `tsn`: segments of rounded length, as in TSN; `consecutive`: frames in a row",
    )
    stream: Literal["rgb", "flow"] = option(
        "rgb", "input of a video model: RGB frames, or the optical flow made by `slr flow`"
    )

    def __post_init__(self):
        for name in ("train", "dev", "test"):
            split = getattr(self, name)
            if len(split.encode()) > _LONGEST_SPLIT or set(split) & set("/\\"):
                raise ValueError(
                    f"{name}: {split[:40]!r} must be the name of a split of the data folder, such "
                    f"as {name}, without slashes"
                )


@dataclass(frozen=True)
class ModelConfig:
    """Name and options of the model, and its pretrained weights."""

    name: str = option("stark", "name of a model; `slr summary` lists them")
    options: Mapping[str, Any] = option(
        {}, "keyword arguments of the model that replace those of its preset"
    )
    weights: str = option(
        "", "initial weights of the model: file of `slr convert --model`; empty: random"
    )
    backbone_weights: str = option(
        "",
        "initial weights of a video model's backbone: file of `slr convert` or "
        "`slr pretrain`, or a torchvision, timm, Hugging Face, TSM or I3D checkpoint; empty: "
        "random",
    )
    language_model: str = option(
        "",
        "initial weights of C²ST's gloss language model: file of `slr gloss_lm`; for `words` "
        "also a fastText or GloVe text file; for `bert` a keras-hub preset folder; empty: random",
    )


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
        maximum=MOST_EPOCHS,
    )
    calibration: Literal["renormalised", "literal", "mwer"] = option(
        "renormalised",
        "calibration loss: `renormalised`: expected reward over the renormalised hypotheses; "
        "`literal`: expected reward as published; `mwer`: minimum word error rate",
    )
    calibration_weight: float = option(
        1.0, "weight of the calibration loss", minimum=0.0, maximum=LARGEST_WEIGHT
    )
    calibration_start: float = option(
        0.5, "fraction of the epochs before calibration begins", minimum=0.0, maximum=1.0
    )
    hypotheses: int = option(4, "hypotheses sampled per clip and step", minimum=1, maximum=1000)
    reward: Literal["inv", "exp"] = option(
        "inv",
        "reward of a hypothesis at edit distance d: `inv`: 1 / (1 + d); `exp`: "
        "exp(-d / `reward_temperature`)",
    )
    reward_temperature: float = option(
        1.0, "temperature of the reward `exp`", minimum=1e-3, maximum=LARGEST_WEIGHT
    )
    divergence: Literal["aligned", "visual", "lattice", "none"] = option(
        "aligned",
        "distributions that the chunk level learns from the video level: `aligned`: with context, "
        "along the posterior alignment; `visual`: without context; `lattice`: averaged over the "
        "lattice; `none`: no such term",
    )
    divergence_weight: float = option(
        25.0, "weight of the divergence", minimum=0.0, maximum=LARGEST_WEIGHT
    )
    divergence_temperature: float = option(
        8.0, "temperature of the divergence", minimum=1e-3, maximum=LARGEST_WEIGHT
    )
    lifting_weight: float = option(
        0.001, "weight of the losses of lift pooling", minimum=0.0, maximum=LARGEST_WEIGHT
    )


@dataclass(frozen=True)
class SelfDistillationConfig:
    """Terms of USTM's objective besides CTC; other models ignore them.

    See docs/papers/ustm.md §6.1.
    """

    weight: float = option(
        25.0,
        "weight of the divergence of the convolution head from the BiLSTM head",
        minimum=0.0,
        maximum=LARGEST_WEIGHT,
    )
    temperature: float = option(
        8.0, "temperature of the compared distributions", minimum=1e-3, maximum=LARGEST_WEIGHT
    )
    lifting_weight: float = option(
        0.001, "weight of the losses of lift pooling", minimum=0.0, maximum=LARGEST_WEIGHT
    )


@dataclass(frozen=True)
class DistributionConfig:
    """Where training runs; affects the speed, not the result."""

    strategy: Literal["single", "mirrored", "multi_worker"] = option(
        "single",
        "`single`: one device; `mirrored`: all devices of this machine; `multi_worker`: all "
        "machines in TF_CONFIG",
    )
    devices: tuple[str, ...] | int | None = option(
        None,
        'device names such as "GPU:0", or a count; null: all GPUs, else the CPU',
        minimum=1,
        maximum=4096,
    )

    def __post_init__(self):
        if isinstance(self.devices, tuple):
            names = [name.upper() for name in self.devices]
            if not names or "" in names or len(set(names)) < len(names):
                raise ValueError(
                    f"devices: {list(self.devices)} must be different names such as GPU:0; "
                    "null takes all devices"
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
