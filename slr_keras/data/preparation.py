"""From a clip as it was recorded to the frames that a trained model sees, for recognition.

These are the frames of evaluation (`slr_keras.data.loaders.keypoints`,
`slr_keras.data.loaders.video`) but of the whole clip, however long. Here as there a clip is first
brought to the contract's frame rate (`slr_keras.data.rates`).
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from functools import cache, partial
from itertools import repeat

import numpy as np

from slr_keras.data.batch import FrameSpec
from slr_keras.data.contract import KeypointContract
from slr_keras.data.modality import KEYPOINTS
from slr_keras.data.rates import Shown, at_rate, indices_at_rate, steady
from slr_keras.data.sampling import REDUCTION, evaluation_indices
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.video.pixels import Window, resize
from slr_keras.utils.errors import UserError


class Preparation(ABC):
    """How clips of one kind become a model's input.

    Attributes:
        frame: what the model sees of one frame.
        multiple: clips have as many frames as a multiple of this.
        batch_frames: frames that are worth computing at the same time; a window may be longer.
    """

    frame: FrameSpec
    multiple: int
    batch_frames: int

    @abstractmethod
    def prepared(self, clip, fps: float | None = None) -> Iterator[np.ndarray]:
        """The model's frames of a clip, one after another, as many as a `multiple`.

        Args:
            clip: frames as the contract describes those of a file.
            fps: their rate; the contract's by default.

        Yields:
            `frame.shape` of `frame.dtype`.

        Raises:
            UserError: no frames, frames of another shape, or a rate that is not positive.
        """


class KeypointPreparation(Preparation):
    """Keypoints: selected, gaps filled, normalised; the last frames % `multiple` are left out.

    >>> import numpy as np
    >>> from slr_keras.data.contract import contract
    >>> from slr_keras.data.preparation import KeypointPreparation
    >>> preparation = KeypointPreparation(contract("coco_wholebody_133"))
    >>> np.stack(list(preparation.prepared(np.ones((18, 133, 3)), fps=50.0))).shape
    (8, 79, 3)
    """

    batch_frames = 6400

    def __init__(self, contract: KeypointContract, multiple: int = REDUCTION):
        self.contract = contract
        self.multiple = multiple
        self.frame = FrameSpec("keypoints", (len(contract.points), len(contract.channels)))

    def prepared(self, clip: np.ndarray, fps: float | None = None) -> Iterator[np.ndarray]:
        """See `Preparation`; the clip is `(frames, source points, channels)`."""
        clip = np.asarray(clip, np.float32)
        if not len(clip):
            raise UserError("the clip has no frames")
        target = self.contract.fps
        indices = indices_at_rate(len(clip), target if fps is None else fps, target)
        points = self.contract.prepare(clip[indices])
        if self.multiple == 1:
            return iter(points)
        return iter(points[evaluation_indices(len(points), max(len(points), REDUCTION))])


class VideoPreparation(Preparation):
    """Pictures: resized and cut in the centre; the last one is repeated up to a `multiple`.

    A clip never lies in memory as a whole.

    >>> import numpy as np
    >>> from slr_keras.data.preparation import VideoPreparation
    >>> from slr_keras.data.video.contract import FrameContract
    >>> preparation = VideoPreparation(FrameContract((96, 64), crop=(56, 56)))
    >>> pictures = np.zeros((9, 64, 96, 3), np.uint8)
    >>> np.stack(list(preparation.prepared(pictures))).shape
    (12, 56, 56, 3)
    """

    # A window of the usual length: pictures take their memory in the backbone, not here.
    batch_frames = 400

    def __init__(self, contract: FrameContract, multiple: int = REDUCTION):
        self.contract = contract
        self.multiple = multiple
        self.frame = FrameSpec("video", contract.shape, "uint8")
        self._window = Window.centre(contract.resize[::-1], contract.crop)

    def prepared(
        self, clip: Iterable[np.ndarray], fps: float | None = None
    ) -> Iterator[np.ndarray]:
        """See `Preparation`; the clip gives `(height, width, 3)` uint8, RGB, of any size."""
        return self.prepared_shown(steady(clip, self.contract.fps if fps is None else fps))

    def prepared_shown(self, shown: Iterable[Shown]) -> Iterator[np.ndarray]:
        """The same for pictures with times of their own."""
        # Pictures that the rate drops are not resized, those that it repeats only once.
        lazy = (Shown(cache(partial(self._seen, frame)), *times) for frame, *times in shown)
        count = 0
        for seen in at_rate(lazy, self.contract.fps):
            yield seen()
            count += 1
        if not count:
            raise UserError("the clip has no frames")
        yield from repeat(seen(), -count % self.multiple)

    def _seen(self, picture: np.ndarray) -> np.ndarray:
        picture = np.asarray(picture)
        if picture.ndim != 3 or picture.shape[-1] != 3 or picture.dtype != np.uint8:
            raise UserError(
                f"a picture has shape {picture.shape} of {picture.dtype}, but this model sees "
                "pictures (height, width, 3) of uint8"
            )
        return self._window.cut(resize(picture, self.contract.resize))


def preparation_for(
    contract: KeypointContract | FrameContract, multiple: int = REDUCTION
) -> Preparation:
    """The preparation that goes with a run's contract.

    Args:
        contract: of the run.
        multiple: 4, or 1 for a model that takes the same number of frames of every clip.

    >>> from slr_keras.data.preparation import preparation_for
    >>> from slr_keras.data.video.contract import FrameContract
    >>> preparation_for(FrameContract((96, 64))).frame.name
    'video'
    """
    kind = KeypointPreparation if contract.modality == KEYPOINTS else VideoPreparation
    return kind(contract, multiple)
