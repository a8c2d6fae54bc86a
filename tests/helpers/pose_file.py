"""A `.pose` file of any components, with coordinates that tell the point and the frame."""

import numpy as np


def write_pose(path, components, axes="XYZC", frames=4, people=1, size=(200, 100), fps=25.0):
    """Point p of frame f lies at x = p + f / 10, y = 2 p, with the score 0.9."""
    from pose_format.numpy import NumPyPoseBody
    from pose_format.pose import Pose
    from pose_format.pose_header import PoseHeader, PoseHeaderComponent, PoseHeaderDimensions

    header = PoseHeader(
        version=0.1,
        dimensions=PoseHeaderDimensions(*size, 0),
        components=[
            PoseHeaderComponent(name=name, points=points, limbs=[], colors=[], point_format=axes)
            for name, points in components.items()
        ],
    )
    points = sum(map(len, components.values()))
    data = np.zeros((frames, people, points, len(axes) - 1), np.float32)
    data[..., 0] = np.arange(points) + np.arange(frames)[:, None, None] / 10
    data[..., 1] = 2 * np.arange(points)
    score = np.full((frames, people, points), 0.9, np.float32)
    if people > 1:
        score[:, 0], data[:, 0] = 0.2, 7
    with open(path, "wb") as file:
        Pose(header, NumPyPoseBody(fps, data, score)).write(file)
    return path
