"""Match the keypoint layout of a clip to that of a run, or explain why they do not match."""

import numpy as np

from slr_keras.data.contract import KeypointContract
from slr_keras.data.layout import KeypointLayout, layout, list_layouts
from slr_keras.recognition.clip import Points
from slr_keras.utils.errors import UserError

# Limits for the detection of wrong units: as a fraction of the image, 1 is the full width; and an
# image of a person is wider than 16 pixels.
_LARGEST_FRACTION = 3.0
_SMALLEST_IMAGE = 16.0
_MEDIAPIPE = "mediapipe_"


def match_layout(
    points: Points, contract: KeypointContract, where: str, given: KeypointLayout | None = None
) -> tuple[np.ndarray, list[str]]:
    """Convert raw points to the source layout of a contract, and collect notices for the user.

    Points of another layout are paired by name if the user gave that layout. x and y are scaled if
    the clip's image size differs from the contract's. Points with NaN or infinite coordinates are
    counted; `contract.prepare` treats them as missing.

    Args:
        points: points of the clip, with the properties that the file states.
        contract: contract of the run.
        where: name of the clip in messages.
        given: layout that the user gave.

    Returns:
        `(frames, source points, channels)` float32 in the contract's source layout, and notices.

    Raises:
        UserError: the clip has no frames, is not an array of points, or differs from the contract
            in points, channels, layout or units; names both and suggests a remedy.

    >>> import numpy as np
    >>> from slr_keras.data.contract import contract
    >>> from slr_keras.data.layout import layout
    >>> from slr_keras.recognition.clip import Points
    >>> from slr_keras.recognition.layout_matching import match_layout
    >>> clip = np.full((9, 79, 3), 50.0)
    >>> whole_body = contract("coco_wholebody_133")
    >>> match_layout(Points(clip), whole_body, "a.npy", layout("stark_79"))[0].shape
    (9, 133, 3)
    """
    values = arrange(points, contract, where, given)
    notices = []
    selected = contract.select(values)
    # The contract treats these as missing; zeros in their place could be a position.
    broken = ~np.isfinite(selected).all(-1)
    if broken.any():
        notices.append(
            f"{where}: {_count(broken.sum(), 'point')} in {_count(broken.any(1).sum(), 'frame')} "
            "with NaN or infinite values, taken as missing"
        )
    seen = ~contract.missing(selected)
    if not seen.any():
        notices.append(f"{where}: no point is visible in any frame; the result is meaningless")
    else:
        _check_units(selected[seen], contract, where)
    return values, notices


def arrange(
    points: Points, contract: KeypointContract, where: str, given: KeypointLayout | None = None
) -> np.ndarray:
    """The part of `match_layout` that does not depend on coordinates: check, pair by name, scale.

    Returns:
        `(frames, source points, channels)` float32 in the contract's source layout.

    Raises:
        UserError: the clip has no frames, is not an array of points, or differs from the contract
            in points, channels or layout.
    """
    source = contract.source
    stated = agreed_layout(points.layout, contract, where, given)
    values = _checked(points.values, stated or source, contract, where, stated is not None)
    if stated is not None and stated.points != source.points:
        values = _paired(values, stated, contract, where)
    if points.image_size is not None and contract.normalisation == "image":
        width, height = np.divide(contract.image_size, points.image_size)
        for channel, name in enumerate(source.channels):
            # Depth is in the units of x.
            values[..., channel] *= {"x": width, "y": height, "z": width}.get(name, 1)
    return values


def agreed_layout(
    stated: KeypointLayout | None,
    contract: KeypointContract,
    where: str,
    given: KeypointLayout | None,
) -> KeypointLayout | None:
    """The layout of a clip, as stated by its file or given by the user; None if unknown.

    Raises:
        UserError: file and user disagree, or the file states another layout than the run's and the
            user did not give a layout to pair the points. Points that are a part of those of the
            same detector need no such answer.
    """
    source = contract.source
    if stated is None:
        return given
    if given is not None and given.points != stated.points:
        raise UserError(
            f"{where}: the points are in layout {stated.name!r}, not in {given.name!r} as given by "
            "--layout; remove --layout or give the right one"
        )
    if given is None and stated.points != source.points and not _same_detector(stated, source):
        raise UserError(
            f"{where}: the points are in layout {stated.name!r}, but the run was trained on "
            f"{source.name!r}; extract the keypoints with the same detector, or pass "
            f"--layout {stated.name} to pair the points by their names"
        )
    return stated


def _same_detector(stated: KeypointLayout, source: KeypointLayout) -> bool:
    """Whether the source is a part of what MediaPipe Holistic gives, such as pose and hands."""
    both = all(one.name.startswith(_MEDIAPIPE) for one in (stated, source))
    return both and set(source.points) <= set(stated.points)


def _checked(
    values: np.ndarray,
    expected: KeypointLayout,
    contract: KeypointContract,
    where: str,
    stated: bool,
) -> np.ndarray:
    """Float32 copy of an array of the expected shape."""
    wanted = (len(expected.points), len(expected.channels))
    whose = f"layout {expected.name!r}" + ("" if stated else ", which the run was trained on,")
    if values.ndim != 3 or values.dtype.kind not in "fiu":
        raise UserError(
            f"{where}: holds {values.dtype} of shape {values.shape}; keypoints are numbers of "
            f"shape (frames, {wanted[0]}, {wanted[1]}) in {whose.rstrip(',')}"
        )
    if not len(values):
        raise UserError(f"{where}: has no frames; leave the clip out or extract it again")
    if values.shape[1:] != wanted:
        actual = f"{values.shape[1]} points x {values.shape[2]} channels"
        raise UserError(
            f"{where}: has {actual} but {whose} has {wanted[0]} x {wanted[1]} "
            f"({', '.join(expected.channels)}); {_remedy(values.shape[1:], contract)}"
        )
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def _remedy(shape: tuple[int, ...], contract: KeypointContract) -> str:
    points, channels = shape
    fitting = [
        name
        for name in list_layouts()
        if (len(layout(name).points), len(layout(name).channels)) == (points, channels)
        and set(contract.points) <= set(layout(name).points)
    ]
    if fitting:
        return f"if the clip has this layout, pass --layout {' or --layout '.join(fitting)}"
    return "extract the keypoints with the detector and layout that the run was trained on"


def _paired(
    values: np.ndarray, stated: KeypointLayout, contract: KeypointContract, where: str
) -> np.ndarray:
    """The points that the model reads, moved by name to their rows of the source layout.

    Channels are matched by name, too; channels that the run does not use are dropped.
    """
    source = contract.source
    absent = [name for name in contract.points if name not in stated.points]
    if absent:
        few = ", ".join(absent[:3]) + (", ..." if len(absent) > 3 else "")
        raise UserError(
            f"{where}: layout {stated.name!r} lacks {len(absent)} of the {len(contract.points)} "
            f"points that the run was trained on from {source.name!r} ({few}); extract the "
            f"keypoints as {source.name!r}"
        )
    if not set(source.channels) <= set(stated.channels):
        raise UserError(
            f"{where}: layout {stated.name!r} has channels {', '.join(stated.channels)} but the "
            f"run's {source.name!r} has {', '.join(source.channels)}; extract the keypoints as "
            f"{source.name!r}"
        )
    channels = [stated.channels.index(name) for name in source.channels]
    result = np.full((len(values), len(source.points), len(channels)), np.nan, np.float32)
    chosen = values[:, list(stated.indices(contract.points))]
    result[:, list(contract.indices)] = chosen[..., channels]
    return result


def _check_units(seen: np.ndarray, contract: KeypointContract, where: str) -> None:
    """Refuse fractions of the image if the run expects pixels, and vice versa."""
    if contract.normalisation != "image":
        return
    extent = float(np.quantile(np.abs(seen[:, :2]), 0.95))
    width, height = contract.image_size
    size = f"images of {width:g} x {height:g}"
    if min(width, height) >= _SMALLEST_IMAGE and extent <= _LARGEST_FRACTION:
        raise UserError(
            f"{where}: x and y reach {extent:.3g}, which looks like fractions of the image, but "
            f"the run expects pixels of {size}; pass --image-size 1x1"
        )
    if max(width, height) <= _LARGEST_FRACTION and extent >= _SMALLEST_IMAGE:
        raise UserError(
            f"{where}: x and y reach {extent:.3g}, which looks like pixels, but the run expects "
            f"{size}; pass the size of the video, such as --image-size 1280x720"
        )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
