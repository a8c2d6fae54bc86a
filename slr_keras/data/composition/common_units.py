"""Bring raw clips of several data folders to the units of one keypoint contract."""

import numpy as np

from slr_keras.data.contract import KeypointContract
from slr_keras.data.keypoints import body_frame, missing
from slr_keras.utils.errors import UserError


class CommonUnits:
    """Converts raw clips to the units of a contract, so that clips can be joined.

    With the normalisation `body`, the body of every clip is moved to the centre of the image and
    scaled to one size; the contract gives the model the same input as before. With `image`,
    coordinates keep their fraction of the image.

    Args:
        contract: contract of the result.

    Attributes:
        unit: length of a normalised unit of each axis, `(coordinates,)`.
        root: points of the layout whose mean is the place of the body.
        hands: points of the layout that represent the hands.

    >>> import numpy as np
    >>> from slr_keras.data.composition.common_units import CommonUnits
    >>> from slr_keras.data.contract import contract
    >>> small, large = (contract("stark_79", image_size=(w, w)) for w in (100, 200))
    >>> CommonUnits(small).converted(np.full((1, 79, 3), 80.0), large)[0, 0].tolist()
    [40.0, 40.0, 80.0]
    """

    def __init__(self, contract: KeypointContract, hands: list[int] | None = None):
        self.contract = contract
        width, height = contract.image_size
        axes = ["z"] if "z" in contract.source.channels else []
        self.axes = ["x", "y", *axes]
        body = contract.normalisation == "body"
        # A body as wide as a fifth of the image is what cameras usually show.
        sizes = [width / 5] * 3 if body else [width / 2, height / 2, width / 2]
        self.unit = np.array(sizes[: len(self.axes)], np.float32)
        self._centre = np.array([width / 2, height / 2, 0][: len(self.axes)], np.float32)
        self.root = contract.source.indices(contract.root)
        self.hands = [contract.indices[point] for point in hands or []]

    def require(self, other: KeypointContract, this: str, that: str) -> None:
        """Refuse clips that give the model another input, or are of another layout.

        Raises:
            UserError: the contracts differ in more than units; names both folders.
        """
        self.contract.require_compatible(other, this, that)
        mine, its = self.contract.source, other.source
        if (mine.points, mine.channels) != (its.points, its.channels):
            raise UserError(
                f"{this} has the layout {mine.name!r}, but {that} has {its.name!r}; prepare both "
                "with one layout"
            )

    def converted(self, raw: np.ndarray, own: KeypointContract) -> np.ndarray:
        """Convert a raw clip.

        Args:
            raw: `(frames, source points, source channels)`.
            own: contract of the clip's folder.

        Returns:
            `(frames, source points, coordinates and score)` float32; missing points are 0.
        """
        channels = list(own.source.channels)
        points = np.ones((*raw.shape[:2], len(self.axes) + 1), np.float32)
        for place, name in enumerate([*self.axes, "score"]):
            if name in channels:
                points[..., place] = raw[..., channels.index(name)]
        lost = missing(points, own.score_threshold, own.zero_is_missing)
        points[lost] = 0
        if lost.all():
            return points
        points[..., :-1] = self._moved(points, own, raw)
        points[lost] = 0
        return points

    def _moved(self, points: np.ndarray, own: KeypointContract, raw: np.ndarray) -> np.ndarray:
        coordinates = points[..., :-1].copy()
        (width, height), (own_width, own_height) = self.contract.image_size, own.image_size
        flipped = own.y_axis != self.contract.y_axis
        if self.contract.normalisation == "image":
            scale = np.array([width / own_width, height / own_height, width / own_width])
            coordinates *= scale[: len(self.axes)].astype(np.float32)
            if flipped:
                coordinates[..., 1] = height - coordinates[..., 1]
            return coordinates
        # The frame of the body as the contract sees it, with filled gaps.
        seen = own.fill_gaps(own.select(raw))
        rows = {point: row for row, point in enumerate(own.points)}
        root = tuple(rows[point] for point in own.root)
        first, second = (rows[point] for point in own.scale)
        origin, unit = body_frame(seen, root, (first, second))
        # The model may read no z, which then keeps its origin.
        origin = np.concatenate([origin, np.zeros(len(self.axes))])[: len(self.axes)]
        coordinates = (coordinates - origin.astype(np.float32)) * (self.unit / unit)
        if flipped:
            coordinates[..., 1] *= -1
        return coordinates + self._centre

    def raw(self, points: np.ndarray) -> np.ndarray:
        """The channels of the contract's layout of converted points, as files hold them."""
        channels = self.contract.source.channels
        names = [*self.axes, "score"]
        result = np.stack([points[..., names.index(name)] for name in channels], axis=-1)
        if "score" not in channels and not self.contract.zero_is_missing:
            result[points[..., -1] <= 0] = np.nan
        return result
