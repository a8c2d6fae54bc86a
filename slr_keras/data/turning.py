"""Turns of the body about the vertical axis, in the raw coordinates of a clip."""

import numpy as np

from slr_keras.data.contract import KeypointContract


def turned(raw: np.ndarray, contract: KeypointContract, degrees: float) -> np.ndarray:
    """Turn the body of a raw clip about the vertical axis through the contract's root points.

    Raw coordinates are turned, so that normalisation measures the turned body, as it does for a
    person who stands turned. Contracts with z give a rotation of x and z, which have the same unit
    (docs/papers/stark.md §1.5). Contracts without z give an approximation: the distance from the
    axis in x is multiplied by the cosine of the angle, which ignores the depth of the points; both
    directions are then the same. Perspective is ignored in both cases. The direction of y and the
    size of the image have no influence, because y does not change.

    Args:
        raw: `(frames, source points, source channels)`; not changed.
        contract: of the clip's file.
        degrees: angle; where z grows away from the camera, a positive angle moves points at larger
            x towards the camera.

    Returns:
        The same shape, float32. Points that are missing, or that the model does not read, are
        unchanged.

    Raises:
        UserError: the number of points or channels differs from the layout.

    >>> import numpy as np
    >>> from slr_keras.data.contract import contract
    >>> from slr_keras.data.turning import turned
    >>> rules = contract("kinect_20")
    >>> raw = np.ones((1, 20, 4), np.float32)
    >>> raw[0, rules.source.points.index("hand_left"), 0] = 3.0
    >>> turned(raw, rules, 90)[0, rules.source.points.index("hand_left")].tolist()
    [1.0, 1.0, -1.0, 1.0]
    """
    result = np.array(raw, np.float32)
    selected = contract.select(result)
    present = ~contract.missing(selected)
    if not degrees or not present.any():
        return result
    points = selected.astype(np.float64)
    depth = "z" in contract.channels
    moved = [0, 2] if depth else [0]
    axis = _axis(points[..., moved], present, [contract.points.index(n) for n in contract.root])
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    turn = np.array([[cosine, -sine], [sine, cosine]]) if depth else np.array([[cosine]])
    # A missing point may hold NaN or infinity.
    apart = np.where(present[..., None], points[..., moved] - axis, 0)
    places = (apart @ turn + axis).astype(np.float32)
    rows = np.asarray(contract.indices)
    for channel, name in enumerate(("x", "z") if depth else ("x",)):
        column = contract.source.channels.index(name)
        result[:, rows, column] = np.where(present, places[..., channel], result[:, rows, column])
    return result


def _axis(places: np.ndarray, present: np.ndarray, root: list[int]) -> np.ndarray:
    """Place of the axis: the mean of the root points or, if none is present, of all points.

    The mean, unlike the median that normalisation uses, turns with the points, so that a turn and
    its opposite give the clip back.
    """
    seen = present[:, root]
    whole = seen.all(axis=1)
    if whole.any():
        return places[whole][:, root].mean(axis=(0, 1))
    if seen.any():
        return places[:, root][seen].mean(axis=0)
    return places[present].mean(axis=0)
