"""Detection of the ends of sentences: the hands rest, which means that they are low and slow.

Distances are in shoulder widths, independent of camera and signer.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from slr_keras.data.contract import KeypointContract

# Names of the wrists and shoulders of each side in the known layouts.
WRISTS = (("left_wrist", "left_hand_wrist", "wrist_left"), ("right_wrist", "wrist_right"))
SHOULDERS = (("left_shoulder", "shoulder_left"), ("right_shoulder", "shoulder_right"))


@dataclass(frozen=True)
class RestConfig:
    """Definition of rest.

    Attributes:
        low: a wrist is low if it is at least so many shoulder widths below the shoulders.
        slow: a wrist is slow if it moves less than so many shoulder widths a frame.
        frames: a sentence ends when both wrists rest in most of the last `frames` frames; with 0,
            sentences end only with the stream.
        share: fraction of these frames that counts as most, since detections jump.
        start: consecutive frames of movement that begin a sentence.
        lead: frames before the first movement that belong to the sentence.
        longest: frames after which a sentence ends even if the hands never rest.
    """

    low: float = 0.9
    slow: float = 0.1
    frames: int = 12
    share: float = 0.75
    start: int = 3
    lead: int = 12
    longest: int = 1500


class RestDetector:
    """Detects in every frame whether the hands rest.

    A missing wrist keeps its last state; a wrist that was never detected rests.

    Args:
        contract: names the points.
        config: definition of rest.

    Attributes:
        able: whether the contract has the necessary wrists and shoulders.

    >>> import numpy as np
    >>> from slr_keras.data.contract import contract
    >>> from slr_keras.streaming.endpoint import RestDetector
    >>> detector = RestDetector(contract("coco_wholebody_133"))
    >>> detector.able, detector(np.zeros((79, 3)))
    (True, True)
    """

    def __init__(self, contract: KeypointContract, config: RestConfig | None = None):
        self.config = config or RestConfig()
        rows = {point: index for index, point in enumerate(contract.points)}
        self._wrists = [_first(rows, names) for names in WRISTS]
        self._shoulders = [_first(rows, names) for names in SHOULDERS]
        self.able = None not in (*self._wrists, *self._shoulders)
        self._width, self._height = contract.image_size
        self._square = contract.normalisation == "body"
        self.reset()

    def reset(self) -> None:
        """Forget the positions of the hands."""
        self._last: list[np.ndarray | None] = [None, None]
        self._resting = [True, True]
        self._unit: tuple[float, float] | None = None

    def __call__(self, frame: np.ndarray) -> bool:
        """Whether both hands rest in a frame `(points, channels)` in the model's coordinates."""
        if not self.able:
            return False
        places = frame[:, :2].astype(np.float64)
        if not self._square:
            # Normalised image coordinates distort the aspect ratio.
            places = places * (self._width, self._height)
        shoulders = frame[self._shoulders, -1] > 0
        if shoulders.all():
            left, right = places[self._shoulders]
            width = float(np.hypot(*(left - right)))
            if width > 0:
                self._unit = (float(left[1] + right[1]) / 2, width)
        for hand, row in enumerate(self._wrists):
            if frame[row, -1] > 0 and self._unit is not None:
                self._resting[hand] = self._rests(hand, places[row])
                self._last[hand] = places[row]
        return all(self._resting)

    def _rests(self, hand: int, place: np.ndarray) -> bool:
        height, width = self._unit
        last = self._last[hand]
        moved = 0.0 if last is None else float(np.hypot(*(place - last))) / width
        low = (height - place[1]) / width >= self.config.low
        return bool(low and moved < self.config.slow)


def _first(rows: dict[str, int], names: tuple[str, ...]) -> int | None:
    return next((rows[name] for name in names if name in rows), None)


class Endpointer:
    """Cuts the stream into sentences, frame by frame.

    Args:
        detector: of rest.

    Attributes:
        signing: whether a sentence has begun.
    """

    def __init__(self, detector: RestDetector):
        self.detector = detector
        self.config = detector.config
        self.signing = not self.ends
        self._moving = self._length = 0
        self._lead: deque[np.ndarray] = deque(maxlen=self.config.lead + self.config.start)
        self._recent: deque[bool] = deque(maxlen=max(self.config.frames, 1))

    @property
    def ends(self) -> bool:
        """Whether rest ends sentences; otherwise only `longest` and the end of the stream do."""
        return self.detector.able and self.config.frames > 0

    def __call__(self, frame: np.ndarray) -> tuple[list[np.ndarray], bool]:
        """The frames to recognise now, and whether the sentence ends with them."""
        resting = self.detector(frame)
        if not self.signing:
            self._lead.append(frame)
            self._moving = 0 if resting else self._moving + 1
            if self._moving < self.config.start:
                return [], False
            frames = list(self._lead)
            self._begin()
        else:
            frames = [frame]
            self._recent.append(resting)
        self._length += len(frames)
        ended = self._length >= self.config.longest or (self.ends and self._rested())
        if ended:
            self._begin()
            self.signing = not self.ends
        return frames, ended

    def _rested(self) -> bool:
        recent = self._recent
        most = self.config.share * self.config.frames
        return len(recent) == recent.maxlen and recent[-1] and sum(recent) >= most

    def _begin(self) -> None:
        self.signing = True
        self._moving = self._length = 0
        self._lead.clear()
        self._recent.clear()
