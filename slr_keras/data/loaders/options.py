"""Options for the cutting, augmentation and labelling of clips."""

from dataclasses import dataclass

from slr_keras.data.augmentation import AugmentationConfig
from slr_keras.data.composition.config import CompositionConfig
from slr_keras.data.sampling import MAX_FRAMES, check_max_frames
from slr_keras.data.segments import Segments
from slr_keras.data.video.augmentation import VideoAugmentationConfig
from slr_keras.utils.errors import UserError

RGB, FLOW = STREAMS = ("rgb", "flow")
UNKNOWN = ("error", "unk")


@dataclass(frozen=True)
class ClipOptions:
    """Options of `ClipDataset` and of the loaders for single clips.

    Attributes:
        augmentation: augmentation in training, of the contract's modality; None: no augmentation.
            Evaluation ignores this option.
        seed: seed of all random draws, not negative.
        max_frames: longest clip in frames, a multiple of 4; longer clips are cut.
        unknown: "error" refuses glosses outside the vocabulary, "unk" maps them to <unk>.
        ctc_epochs: number of initial epochs that train with CTC, which needs a blank between equal
            neighbours; later epochs need one step per label only. None: all epochs use CTC.
        segments: sampling rule that gives every clip the same number of frames, and overrides
            `max_frames` and the lengths of the augmentation; None: clips keep their own lengths.
        fps: frames per second of the model's input; None: the rate of the contract.
        steps: number of even steps to which the model resamples each clip; in training, keypoint
            clips are resampled to this number at once, warped as the augmentation says. 0: frames
            are kept.
        stream: content of a batch of video: "rgb", or "flow" (`FlowLoader`).
        composition: how training sentences are composed of clips of single signs; None: the clips
            are those of the manifest.
        spans: add the spans of the labels to the batches.

    Raises:
        UserError: the seed is negative, `max_frames` is not a positive multiple of 4, or `unknown`
            or `stream` has an unknown value.

    >>> from slr_keras.data.loaders.options import ClipOptions
    >>> ClipOptions(max_frames=200, unknown="unk").stream
    'rgb'
    """

    augmentation: AugmentationConfig | VideoAugmentationConfig | None = None
    seed: int = 0
    max_frames: int = MAX_FRAMES
    unknown: str = "error"
    ctc_epochs: int | None = None
    segments: Segments | None = None
    fps: float | None = None
    steps: int = 0
    stream: str = RGB
    composition: CompositionConfig | None = None
    spans: bool = False

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise UserError(f"seed is {self.seed}; it must not be negative")
        check_max_frames(self.max_frames)
        for name, choices in (("unknown", UNKNOWN), ("stream", STREAMS)):
            if getattr(self, name) not in choices:
                raise UserError(
                    f"{name} is {getattr(self, name)!r}; choose one of {', '.join(choices)}"
                )
