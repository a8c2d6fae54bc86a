"""Bring the points of any clip to what a run was trained on, or say why that cannot be."""

import numpy as np

from slr_keras.data.contract import KeypointContract
from slr_keras.data.layout import KeypointLayout, layout, list_layouts
from slr_keras.recognition.clip import Points
from slr_keras.utils.errors import UserError

# Beyond these, x and y are not in the units of the run: 1 is a whole image in fractions, and no
# image that shows a person is 16 pixels wide.
_LARGEST_FRACTION = 3.0
_SMALLEST_IMAGE = 16.0


def conform(
    points: Points, contract: KeypointContract, where: str, given: KeypointLayout | None = None
) -> tuple[np.ndarray, list[str]]:
    """Raw points as `contract.prepare` wants them, and notices about what was found in them.

    Points of another layout that the user named are paired by their names, and x and y are scaled
    where the clip's image has another size than the run's. Points with NaN or infinite
    coordinates are counted; `contract.prepare` takes them for missing.

    Args:
        points: the clip's points, and what its file says about them.
        contract: of the run.
        where: what messages call the clip.
        given: the layout that the user says the points are in.

    Returns:
        `(frames, source points, channels)` float32 in the contract's source layout, and sentences
        for the user.

    Raises:
        UserError: no frames, not an array of points, or points, channels, layout or units that
            are not the run's; names both and says what to do.

    >>> import numpy as np
    >>> from slr_keras.data.contract import contract
    >>> from slr_keras.data.layout import layout
    >>> from slr_keras.recognition.clip import Points
    >>> from slr_keras.recognition.layout_matching import conform
    >>> clip = np.full((9, 79, 3), 50.0)
    >>> whole_body = contract("coco_wholebody_133")
    >>> conform(Points(clip), whole_body, "a.npy", layout("stark_79"))[0].shape
    (9, 133, 3)
    """
    values = arrange(points, contract, where, given)
    notices = []
    selected = contract.select(values)
    # The contract takes these for missing itself; zeros in their place could be a position.
    broken = ~np.isfinite(selected).all(-1)
    if broken.any():
        notices.append(
            f"{where}: {_count(broken.sum(), 'point')} in {_count(broken.any(1).sum(), 'frame')} "
            "with NaN or infinite values, taken as missing"
        )
    seen = ~contract.missing(selected)
    if not seen.any():
        notices.append(f"{where}: no point is visible in any frame; the result means nothing")
    else:
        _check_units(selected[seen], contract, where)
    return values, notices


def arrange(
    points: Points, contract: KeypointContract, where: str, given: KeypointLayout | None = None
) -> np.ndarray:
    """The part of `conform` that looks at no coordinate: check, pair by name, scale.

    Returns:
        `(frames, source points, channels)` float32 in the contract's source layout.

    Raises:
        UserError: no frames, not an array of points, or points, channels or layout that are not
            the run's.
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
    """The layout that a clip is in: what its file states or the user gives; None where neither.

    Raises:
        UserError: the two disagree, or the file states another than the run's and the user did
            not ask to pair them.
    """
    source = contract.source
    if stated is None:
        return given
    if given is not None and given.points != stated.points:
        raise UserError(
            f"{where}: the points are in layout {stated.name!r}, not in {given.name!r} as --layout "
            "says; leave --layout out or name the right one"
        )
    if given is None and stated.points != source.points:
        raise UserError(
            f"{where}: the points are in layout {stated.name!r}, but the run was trained on "
            f"{source.name!r}; extract the keypoints with the same detector, or pass "
            f"--layout {stated.name} to pair the points by their names"
        )
    return stated


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
        found = f"{values.shape[1]} points x {values.shape[2]} channels"
        raise UserError(
            f"{where}: has {found} but {whose} has {wanted[0]} x {wanted[1]} "
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
        return f"if that is what they are, pass --layout {' or --layout '.join(fitting)}"
    return "extract the keypoints with the detector and layout that the run was trained on"


def _paired(
    values: np.ndarray, stated: KeypointLayout, contract: KeypointContract, where: str
) -> np.ndarray:
    """The points that the model sees, moved by name to their rows of the source layout.

    Channels go by name, too; what the run does not know, such as depth, is left out.
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
    """Refuse fractions of the image where the run wants pixels, and pixels where fractions."""
    if contract.normalisation != "image":
        return
    extent = float(np.quantile(np.abs(seen[:, :2]), 0.95))
    width, height = contract.image_size
    size = f"images of {width:g} x {height:g}"
    if min(width, height) >= _SMALLEST_IMAGE and extent <= _LARGEST_FRACTION:
        raise UserError(
            f"{where}: x and y reach {extent:.3g}, which looks like fractions of the image, but "
            f"the run wants the pixels of {size}; pass --image-size 1x1"
        )
    if max(width, height) <= _LARGEST_FRACTION and extent >= _SMALLEST_IMAGE:
        raise UserError(
            f"{where}: x and y reach {extent:.3g}, which looks like pixels, but the run wants "
            f"{size}; pass the video's own size, such as --image-size 1280x720"
        )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
