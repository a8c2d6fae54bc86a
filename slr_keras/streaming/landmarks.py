"""Online preparation of landmarks: filling of gaps and normalisation of coordinates.

The rules are those of `slr_keras.data.keypoints`, without knowledge of future frames:

* A missing point waits up to `look_ahead` frames for its next sighting. A gap that ends within them
  is filled as offline. The length of a longer gap is unknown while it begins: its first `max_gap`
  frames repeat the last sighting, as offline at the end of a clip, and the other frames are zero.
  Offline, a gap is interpolated completely (up to `max_gap` frames) or is zero (longer gaps). With
  a look-ahead of `max_gap` frames, only gaps longer than `max_gap` differ.
* Image coordinates are the same. For body coordinates, origin and unit are medians over the last
  `REFERENCE_FRAMES` frames instead of the clip.
"""

from collections import deque

import numpy as np

from slr_keras.data.contract import KeypointContract
from slr_keras.data.keypoints import normalise_body, normalise_image

REFERENCE_FRAMES = 250


class GapFiller:
    """Fills the gaps of landmarks frame by frame, with a delay of up to `look_ahead` frames.

    A frame is returned as soon as none of its points waits.

    Args:
        contract: defines missing points and the longest gap.
        look_ahead: in frames.

    >>> import numpy as np
    >>> from slr_keras.data.contract import contract
    >>> from slr_keras.streaming.landmarks import GapFiller
    >>> filler = GapFiller(contract("coco_wholebody_133", score_threshold=0.2), look_ahead=2)
    >>> frames = np.full((3, 79, 3), 0.5, np.float32)
    >>> frames[1, 0] = np.nan
    >>> [len(filler.push(frame)) for frame in frames]
    [1, 0, 2]
    """

    def __init__(self, contract: KeypointContract, look_ahead: int):
        self.contract = contract
        self.look_ahead = look_ahead
        self.reset()

    def reset(self) -> None:
        """Forget all frames."""
        points, channels = len(self.contract.points), len(self.contract.channels)
        self._waiting: deque[tuple[np.ndarray, np.ndarray]] = deque()
        self._latest = np.zeros((points, channels), np.float32)
        # Frames since each point was last seen; -1 before it was.
        self._since = np.full(points, -1)

    def push(self, points: np.ndarray) -> list[np.ndarray]:
        """Add a frame of selected points `(points, channels)`; returns the finished frames."""
        lost = self.contract.missing(points[None])[0]
        self._waiting.append((np.where(lost[:, None], 0, points).astype(np.float32), lost))
        ready = []
        while self._waiting and (len(self._waiting) > self.look_ahead or self._decided()):
            ready.append(self._first())
        return ready

    def finish(self) -> list[np.ndarray]:
        """The frames that still wait, at the end of the stream."""
        return [self._first() for _ in range(len(self._waiting))]

    def _decided(self) -> bool:
        """Whether future frames cannot change the first frame that waits."""
        lost = self._waiting[0][1]
        # Points whose gap, with this frame, is not longer than the longest; others stay zero.
        open_gap = lost & (self._since < self.contract.max_gap)
        for _, later in list(self._waiting)[1:]:
            open_gap = open_gap & later
        return not open_gap.any()

    def _first(self) -> np.ndarray:
        filled, lost = self._waiting.popleft()
        filled = filled.copy()
        self._since[~lost] = 0
        self._latest[~lost] = filled[~lost]
        self._since[lost & (self._since >= 0)] += 1
        for point in np.flatnonzero(lost):
            filled[point] = self._filled(point)
        # Avoids an overflow in gaps of hours.
        np.minimum(self._since, self.contract.max_gap + 1, out=self._since)
        return filled

    def _filled(self, point: int) -> np.ndarray:
        """The channels of a missing point in the frame that leaves."""
        longest, since = self.contract.max_gap, int(self._since[point])
        until, seen = self._next_sighting(point)
        nothing = np.zeros_like(self._latest[point])
        if since < 0:
            filled = seen if seen is not None and until <= longest else nothing
        elif since > longest or (seen is not None and since + until - 1 > longest):
            filled = nothing
        elif seen is None:
            filled = self._latest[point]
        else:
            weight = np.float32(since / (since + until))
            filled = (1 - weight) * self._latest[point] + weight * seen
        filled = filled.copy()
        if filled.any():
            filled[-1] = self.contract.interpolated_score
        return filled

    def _next_sighting(self, point: int) -> tuple[int, np.ndarray | None]:
        """Frames until the next sighting of the point, and its channels; None if unknown."""
        for ahead, (points, lost) in enumerate(self._waiting, 1):
            if not lost[point]:
                return ahead, points[point]
        return 0, None


class Normaliser:
    """Converts filled points to the coordinates of the model, frame by frame.

    Args:
        contract: of the run.

    >>> import numpy as np
    >>> from slr_keras.data.contract import contract
    >>> from slr_keras.streaming.landmarks import Normaliser
    >>> normaliser = Normaliser(contract("coco_wholebody_133", image_size=(210, 260)))
    >>> bool(normaliser(np.full((79, 3), 0.0, np.float32)).any())
    False
    """

    def __init__(self, contract: KeypointContract):
        self.contract = contract
        rows = {point: index for index, point in enumerate(contract.points)}
        self._root = tuple(rows[point] for point in contract.root)
        self._scale = tuple(rows[point] for point in contract.scale)
        self._recent: deque[np.ndarray] = deque(maxlen=REFERENCE_FRAMES)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """The normalised `(points, channels)` of one frame."""
        contract = self.contract
        if contract.normalisation == "image":
            frame = normalise_image(points[None], *contract.image_size, contract.y_axis)[0]
        else:
            frame = self._body(points)
        return frame.astype(np.float32)

    def _body(self, points: np.ndarray) -> np.ndarray:
        # Without root and scale in the frame, the last frames determine origin and unit.
        if (points[list({*self._root, *self._scale}), -1] > 0).any():
            self._recent.append(points.copy())
        clip = np.stack([*self._recent, points])
        return normalise_body(clip, self._root, self._scale, self.contract.y_axis)[-1]
