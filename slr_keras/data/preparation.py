"""Convert recorded clips to the frames that a trained model reads, for recognition.

The frames are the same as in evaluation (`slr_keras.data.loaders.keypoints`,
`slr_keras.data.loaders.video`), but long clips are not cut. In both cases, a clip is first
resampled to the contract's frame rate (`slr_keras.data.rates`).
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from functools import cache, partial
from itertools import repeat

import numpy as np

from slr_keras.data.batch import FrameSpec
from slr_keras.data.contract import KeypointContract
from slr_keras.data.manifest import Manifest
from slr_keras.data.modality import KEYPOINTS
from slr_keras.data.rates import Shown, at_rate, indices_at_rate, steady
from slr_keras.data.sampling import REDUCTION, evaluation_indices
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.video.pixels import Window, resize
from slr_keras.utils.errors import UserError


class Preparation(ABC):
    """Converts clips of one modality to the model's input.

    Attributes:
        frame: name, shape and dtype of a frame.
        multiple: the number of frames of a prepared clip is a multiple of this number.
        batch_frames: number of frames that fill a batch efficiently; a window may be longer.
    """

    frame: FrameSpec
    multiple: int
    batch_frames: int

    @abstractmethod
    def prepared(self, clip, fps: float | None = None) -> Iterator[np.ndarray]:
        """Yield the model's frames of a clip; their number is a multiple of `multiple`.

        Args:
            clip: raw frames, as the contract describes them.
            fps: frames per second of the clip; None: the rate of the contract.

        Yields:
            Arrays of shape `frame.shape` and dtype `frame.dtype`.

        Raises:
            UserError: the clip has no frames or frames of the wrong shape, or the rate is not
                positive.
        """


class KeypointPreparation(Preparation):
    """Selects points, fills gaps and normalises; drops the last `frames % multiple` frames.

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


def raw_clip(manifest: Manifest, row: int) -> np.ndarray:
    """The raw keypoints of a clip at the frame rate of the folder's contract.

    Args:
        manifest: of keypoints.
        row: of the clip, which may have a rate of its own.

    Returns:
        `(frames, source points, source channels)`.

    Raises:
        UserError: the clip cannot be read.
    """
    raw, rate = manifest.load(row), manifest.rate(row)
    target = manifest.contract.fps
    return raw if rate == target else raw[indices_at_rate(len(raw), rate, target)]


def prepared_clip(manifest: Manifest, row: int) -> np.ndarray:
    """All frames of a clip `(frames, points, channels)` as a model reads them; see `raw_clip`."""
    return manifest.contract.prepare(raw_clip(manifest, row))


class VideoPreparation(Preparation):
    """Resizes and centre-crops pictures; repeats the last one up to a multiple of `multiple`.

    The clip need not fit into memory.

    >>> import numpy as np
    >>> from slr_keras.data.preparation import VideoPreparation
    >>> from slr_keras.data.video.contract import FrameContract
    >>> preparation = VideoPreparation(FrameContract((96, 64), crop=(56, 56)))
    >>> pictures = np.zeros((9, 64, 96, 3), np.uint8)
    >>> np.stack(list(preparation.prepared(pictures))).shape
    (12, 56, 56, 3)
    """

    # The usual length of a window; the memory of pictures is needed in the backbone, not here.
    batch_frames = 400

    def __init__(self, contract: FrameContract, multiple: int = REDUCTION):
        self.contract = contract
        self.multiple = multiple
        self.frame = FrameSpec("video", contract.shape, "uint8")
        self._window = Window.centre(contract.resize[::-1], contract.crop)

    def prepared(
        self, clip: Iterable[np.ndarray], fps: float | None = None
    ) -> Iterator[np.ndarray]:
        """See `Preparation`; the clip yields `(height, width, 3)` uint8, RGB, of any size."""
        return self.prepared_shown(steady(clip, self.contract.fps if fps is None else fps))

    def prepared_shown(self, shown: Iterable[Shown]) -> Iterator[np.ndarray]:
        """As `prepared`, for pictures with individual times."""
        # Dropped pictures are not resized, and repeated pictures are resized only once.
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
                f"a picture has shape {picture.shape} of {picture.dtype}, but this model reads "
                "pictures (height, width, 3) of uint8"
            )
        return self._window.cut(resize(picture, self.contract.resize))


def preparation_for(
    contract: KeypointContract | FrameContract, multiple: int = REDUCTION
) -> Preparation:
    """The preparation for a run's contract.

    Args:
        contract: contract of the run.
        multiple: 4, or 1 for a model that samples a fixed number of frames from every clip.

    >>> from slr_keras.data.preparation import preparation_for
    >>> from slr_keras.data.video.contract import FrameContract
    >>> preparation_for(FrameContract((96, 64))).frame.name
    'video'
    """
    kind = KeypointPreparation if contract.modality == KEYPOINTS else VideoPreparation
    return kind(contract, multiple)
