"""Names of points in the headers of `.pose` files: MediaPipe Holistic and OpenPose."""

import re
from collections.abc import Mapping, Sequence

from slr_keras.utils.errors import UserError
from slr_keras.utils.suggestions import nearest

_FINGERS = ("INDEX_FINGER", "MIDDLE_FINGER", "RING_FINGER", "PINKY")
MEDIAPIPE_HAND = (
    "WRIST",
    *(f"THUMB_{joint}" for joint in ("CMC", "MCP", "IP", "TIP")),
    *(f"{finger}_{joint}" for finger in _FINGERS for joint in ("MCP", "PIP", "DIP", "TIP")),
)
OPENPOSE_HAND = (
    "BASE",
    *(f"T_{joint}" for joint in ("STT", "BCMC", "MCP", "IP")),
    *(f"{finger}_{joint}" for finger in "IMRP" for joint in ("CMC", "MCP", "PIP", "DIP")),
)
"""Points of a hand by MediaPipe's and by OpenPose's names, in order."""

HAND: Mapping[str, int] = {
    name: number for names in (MEDIAPIPE_HAND, OPENPOSE_HAND) for number, name in enumerate(names)
}
"""Points of a hand in both families: wrist, then thumb to little finger, root to tip."""

# OpenPose BODY_25 by the names of COCO-WholeBody; the layout has neither neck nor middle of hips.
BODY_25: Mapping[str, str | None] = {
    "Nose": "nose",
    "Neck": None,
    "MidHip": None,
    "REye": "right_eye",
    "LEye": "left_eye",
    "REar": "right_ear",
    "LEar": "left_ear",
    **{
        f"{side[0]}{part}": f"{side.lower()}_{name}"
        for side in ("Right", "Left")
        for part, name in (
            ("Shoulder", "shoulder"),
            ("Elbow", "elbow"),
            ("Wrist", "wrist"),
            ("Hip", "hip"),
            ("Knee", "knee"),
            ("Ankle", "ankle"),
            ("BigToe", "big_toe"),
            ("SmallToe", "small_toe"),
            ("Heel", "heel"),
        )
    },
}
"""Points of OpenPose's body by name, None for those without a place in COCO-WholeBody."""

_NUMBERED = re.compile(r"[A-Za-z]*_?([0-9]{1,3})")


def point_numbers(
    where: str, points: Sequence[str], names: Mapping[str, int | None], numbered: int = 0
) -> list[int | None]:
    """The number of each point of a component, by its name.

    Args:
        where: file and component, for messages.
        points: names in the header.
        names: number by name; None for a point without a place in the layout.
        numbered: names of letters and a number below this one, such as FB_16, count by it.

    Raises:
        UserError: a name is unknown, or two points have the same place.

    >>> from slr_keras.data.pose_names import HAND, point_numbers
    >>> point_numbers("a.pose: LEFT_HAND_LANDMARKS", ["WRIST", "THUMB_TIP", "PINKY_TIP"], HAND)
    [0, 4, 20]
    """
    numbers: list[int | None] = []
    known = {name.casefold(): number for name, number in names.items()}
    for point in points:
        match = _NUMBERED.fullmatch(point)
        if point.casefold() in known:
            number = known[point.casefold()]
        elif match and int(match[1]) < numbered:
            number = int(match[1])
        else:
            hint = (
                nearest(point, names) if names else f"; they are numbered from 0 to {numbered - 1}"
            )
            raise UserError(f"{where}: unknown point {point!r}{hint}")
        if number is not None and number in numbers:
            raise UserError(f"{where}: two points are {point!r}")
        numbers.append(number)
    return numbers
