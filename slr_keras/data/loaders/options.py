"""How the clips of a data set are cut, changed and labelled, in one object."""

from dataclasses import dataclass

from slr_keras.data.augmentation import AugmentationConfig
from slr_keras.data.sampling import MAX_FRAMES, check_max_frames
from slr_keras.data.segments import Segments
from slr_keras.data.video.augmentation import VideoAugmentationConfig
from slr_keras.utils.errors import UserError

RGB, FLOW = STREAMS = ("rgb", "flow")
UNKNOWN = ("error", "unk")


@dataclass(frozen=True)
class ClipOptions:
    """Options of `ClipDataset` and of the loaders that concern one clip at a time.

    Attributes:
        augmentation: what changes in training, of the contract's kind; None changes nothing.
            Evaluation ignores it.
        seed: of everything random, not negative.
        max_frames: longest clip; longer ones are cut, a multiple of 4.
        unknown: "error" refuses glosses outside the vocabulary, "unk" maps them to <unk>.
        ctc_epochs: epochs at the start that learn CTC, which needs a blank between equal
            neighbours; the others need no more steps than labels. None: all learn CTC.
        segments: gives every clip the same number of frames, whatever `max_frames` and the
            augmentation's lengths say; None keeps each clip's own.
        fps: frames a second that the model sees; the contract's if None.
        stream: what a batch holds of pictures: "rgb", or "flow" (`FlowLoader`).

    Raises:
        UserError: a negative seed, bad `max_frames`, or another word for `unknown` or `stream`.

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
    stream: str = RGB

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise UserError(f"seed is {self.seed}; it must not be negative")
        check_max_frames(self.max_frames)
        for name, choices in (("unknown", UNKNOWN), ("stream", STREAMS)):
            if getattr(self, name) not in choices:
                raise UserError(
                    f"{name} is {getattr(self, name)!r}; choose one of {', '.join(choices)}"
                )
