"""Estimate optical flow between successive pictures (docs/papers/stepnet.md §8)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from slr_keras.data.video.pixels import library, resize
from slr_keras.utils.errors import UserError

#: Displacement in pixels of the largest value. denseflow uses 32 by default, 20 in its examples.
BOUND = 20.0
STEPS = 5


@dataclass(frozen=True)
class Method:
    """A method for estimating flow.

    Attributes:
        title: one-line description.
        settings: all settings on which the result depends.
        make: creates an OpenCV object with the method `calc`; not for use in several threads.
    """

    title: str
    settings: Mapping[str, Any]
    make: Callable[[Mapping[str, Any]], Any]


def _tvl1(settings: Mapping[str, Any]):
    cv2 = library("cv2", "optical flow")
    # If a plain OpenCV is installed, too, the module may exist without its functions.
    if not hasattr(getattr(cv2, "optflow", None), "DualTVL1OpticalFlow_create"):
        raise UserError(
            f"TV-L1 needs OpenCV's contributed modules, which this OpenCV {cv2.__version__} lacks: "
            "pip uninstall opencv-python opencv-python-headless, then pip install "
            "opencv-contrib-python-headless; or choose --method dis"
        )
    return cv2.optflow.DualTVL1OpticalFlow_create(**settings)


def _farneback(settings: Mapping[str, Any]):
    return library("cv2", "optical flow").FarnebackOpticalFlow_create(**settings)


def _dis(settings: Mapping[str, Any]):
    cv2 = library("cv2", "optical flow")
    return cv2.DISOpticalFlow_create(getattr(cv2, f"DISOPTICAL_FLOW_PRESET_{settings['preset']}"))


METHODS: Mapping[str, Method] = {
    # OpenCV's defaults, with which the published flow was made.
    "tvl1": Method(
        "TV-L1, as published; seconds per picture",
        {
            "tau": 0.25,
            "lambda_": 0.15,
            "theta": 0.3,
            "nscales": 5,
            "warps": 5,
            "epsilon": 0.01,
            "innnerIterations": 30,
            "outerIterations": 10,
            "scaleStep": 0.8,
            "gamma": 0.0,
            "medianFiltering": 5,
            "useInitialFlow": False,
        },
        _tvl1,
    ),
    "farneback": Method(
        "Farnebäck's polynomials; smooth, fast",
        {
            "numLevels": 5,
            "pyrScale": 0.5,
            "fastPyramids": False,
            "winSize": 13,
            "numIters": 10,
            "polyN": 5,
            "polySigma": 1.1,
            "flags": 0,
        },
        _farneback,
    ),
    "dis": Method("dense inverse search; fastest", {"preset": "MEDIUM"}, _dis),
}


def fields_of(
    pictures: Iterable[np.ndarray], method: str, size: tuple[int, int], bound: float = BOUND
) -> Iterator[np.ndarray]:
    """Estimate the flow from every picture of a clip to the next: n - 1 fields for n pictures.

    Args:
        pictures: `(height, width, 3)` uint8, RGB, of any size.
        method: a name in `METHODS`.
        size: (width, height) to which pictures are resized first.
        bound: displacement in pixels of the largest value.

    Yields:
        `(height, width, 2)` uint8: x to the right and y down, see `quantised`.

    Raises:
        UserError: OpenCV, or the part of it that the method needs, is not installed.

    >>> import numpy as np
    >>> from slr_keras.data.video.flow import fields_of
    >>> still = np.zeros((3, 32, 48, 3), np.uint8)
    >>> [(field.shape, int(field.max())) for field in fields_of(still, "dis", (48, 32))]
    [((32, 48, 2), 128), ((32, 48, 2), 128)]
    """
    cv2 = library("cv2", "optical flow")
    known = METHODS[method]
    estimator = known.make(known.settings)
    before = None
    for picture in pictures:
        grey = cv2.cvtColor(np.ascontiguousarray(resize(picture, size)), cv2.COLOR_RGB2GRAY)
        if before is not None:
            # No initial field: some methods would start from the previous result.
            yield quantised(estimator.calc(before, grey, None), bound)
        before = grey


def quantised(flow: np.ndarray, bound: float = BOUND) -> np.ndarray:
    """Quantise displacements v in pixels to 8 bits: round(255 (v + b) / 2b), v clipped to ±b.

    Halves are rounded to the even number, so that no motion is 128.

    >>> import numpy as np
    >>> from slr_keras.data.video.flow import quantised
    >>> quantised(np.array([-99.0, -20.0, 0.0, 20.0])).tolist()
    [0, 0, 128, 255]
    """
    moved = np.clip(np.nan_to_num(flow.astype(np.float64)), -bound, bound)
    return np.rint(255 * (moved + bound) / (2 * bound)).astype(np.uint8)
