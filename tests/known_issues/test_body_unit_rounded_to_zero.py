"""Points at the origin became NaN in body coordinates.

The fallback for the body's unit of length is half of the extent of all points. Where that extent is
the least positive number of float32, its half is 0, and a point at the origin was divided by it.
"""

import numpy as np
import pytest

from slr_keras.data.keypoints import normalise_body

LEAST = np.nextafter(np.float32(0), np.float32(1))


@pytest.mark.parametrize("extent", [LEAST, 2 * LEAST, np.finfo(np.float32).tiny])
def test_points_that_are_the_least_number_apart_stay_numbers_in_body_coordinates(extent):
    points = np.array([[[0, 0, 1], [extent, 0, 1], [0, 0, 1]]], np.float32)
    assert np.isfinite(normalise_body(points, root=(0, 2), scale=(0, 2))).all()
