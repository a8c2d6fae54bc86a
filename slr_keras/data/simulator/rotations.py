"""Rotations of many frames at once: unit quaternions (w, x, y, z) and 3 x 3 matrices."""

import numpy as np


def unit(vectors: np.ndarray) -> np.ndarray:
    """Scale vectors (..., n) to length 1; zero vectors stay zero."""
    length = np.sqrt(np.einsum("...i,...i->...", vectors, vectors))[..., None]
    return vectors / np.maximum(length, 1e-9)


def frame_from_directions(fingers: np.ndarray, palm: np.ndarray) -> np.ndarray:
    """Rotation (3, 3) whose columns are the finger, palm and thumb directions of a right hand."""
    d = unit(np.asarray(fingers, float))
    n = np.asarray(palm, float)
    n = unit(n - (n @ d) * d)
    return np.stack([d, n, np.cross(d, n)], axis=1)


def to_quaternion(matrix: np.ndarray) -> np.ndarray:
    """Quaternion (4,) of one rotation matrix (3, 3)."""
    m = matrix
    # The eigenvector form has no special cases, unlike the usual four-way formula.
    k = np.array(
        [
            [m[0, 0] + m[1, 1] + m[2, 2], 0, 0, 0],
            [m[2, 1] - m[1, 2], m[0, 0] - m[1, 1] - m[2, 2], 0, 0],
            [m[0, 2] - m[2, 0], m[0, 1] + m[1, 0], m[1, 1] - m[0, 0] - m[2, 2], 0],
            [m[1, 0] - m[0, 1], m[0, 2] + m[2, 0], m[1, 2] + m[2, 1], m[2, 2] - m[0, 0] - m[1, 1]],
        ]
    )
    return np.linalg.eigh(k)[1][:, -1]


def to_matrix(quaternions: np.ndarray) -> np.ndarray:
    """Rotation matrices (..., 3, 3) of unit quaternions (..., 4)."""
    w, x, y, z = (quaternions[..., i] for i in range(4))
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def multiply(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Quaternion product a b: rotate by b, then by a."""
    aw, ax, ay, az = (a[..., i] for i in range(4))
    bw, bx, by, bz = (b[..., i] for i in range(4))
    return np.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        axis=-1,
    )


def about_axis(axis: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Quaternions (..., 4) of turning by `angle` (...) radians about `axis` (3,)."""
    half = np.asarray(angle, float)[..., None] / 2
    return np.concatenate([np.cos(half), np.sin(half) * unit(np.asarray(axis, float))], axis=-1)


def continuous(quaternions: np.ndarray) -> np.ndarray:
    """Choose signs so that neighbouring quaternions (time, 4) lie on the same side, then unit."""
    dots = np.sum(quaternions[1:] * quaternions[:-1], axis=-1)
    signs = np.cumprod(np.concatenate([[1.0], np.where(dots < 0, -1.0, 1.0)]))
    return unit(quaternions * signs[:, None])


def euler(yaw: np.ndarray, pitch: np.ndarray, roll: np.ndarray) -> np.ndarray:
    """Matrices (..., 3, 3): roll about z, then pitch about x, then yaw about y (radians)."""
    q = multiply(
        about_axis([0, 1, 0], yaw),
        multiply(about_axis([1, 0, 0], pitch), about_axis([0, 0, 1], roll)),
    )
    return to_matrix(q)


def rotate(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Apply (..., 3, 3) to points (..., n, 3)."""
    return points @ np.swapaxes(matrix, -1, -2)


def between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Smallest rotations (..., 3, 3) that take unit vectors `a` to unit vectors `b` (..., 3)."""
    q = np.concatenate([1 + np.sum(a * b, -1, keepdims=True), np.cross(a, b)], axis=-1)
    return to_matrix(unit(q))
