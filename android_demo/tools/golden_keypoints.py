#!/usr/bin/env python3
"""Write what the tests of core's keypoints expect, into `core/src/test/resources/golden/`.

An independent computation with NumPy and OpenCV, on pictures and numbers that are made here. The
formulas are those of the one-euro filter's paper and of MediaPipe's graphs.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).resolve().parents[1] / "core/src/test/resources/golden"
SIZE = 47, 31


def picture(width: int, height: int) -> np.ndarray:
    """A picture that every language can make: smooth, with edges, all channels different."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    channels = (5 * x + 3 * y) % 256, (x * y) % 256, np.where((x // 6 + y // 5) % 2, 230, 20)
    return np.stack(channels, -1).astype(np.uint8)


def crops() -> list[dict[str, Any]]:
    """Crops of the picture by OpenCV, as stored in each of four orientations."""
    import cv2

    upright, side, cases = picture(*SIZE), 12, []
    regions = [(0.5, 0.5, 1, 1, 0), (0.4, 0.6, 0.5, 0.7, 0.6), (0.1, 0.9, 0.6, 0.9, -2.5)]
    for rotation in (0, 90, 180, 270):
        for x, y, w, h, turn in regions:
            for keep, repeat in ((True, True), (True, False), (False, True)):
                width, height = SIZE
                box = np.array([w * width, h * height])
                padding = np.zeros(2)
                if keep:
                    padding = (1 - box / box.max()) / 2
                    box[:] = box.max()
                across, down = (
                    np.array([np.cos(turn), np.sin(turn)]),
                    np.array([-np.sin(turn), np.cos(turn)]),
                )
                centre = np.array([x * width, y * height])
                corners = [
                    centre + a * across * box[0] / 2 + d * down * box[1] / 2
                    for a, d in ((-1, -1), (1, -1), (1, 1), (-1, 1))
                ]
                matrix = cv2.getPerspectiveTransform(
                    np.float32(corners), np.float32([(0, 0), (side, 0), (side, side), (0, side)])
                )
                border = cv2.BORDER_REPLICATE if repeat else cv2.BORDER_CONSTANT
                cut = cv2.warpPerspective(
                    upright, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=border
                )
                cases.append(
                    {
                        "rotation": rotation,
                        "region": [x, y, w, h, turn],
                        "keepShape": keep,
                        "repeatEdge": repeat,
                        "padding": padding.tolist(),
                        "expected": cut.ravel().tolist(),
                    }
                )
    return cases


def anchors() -> list[dict[str, Any]]:
    """Centres of all anchors' cells, by counting; a few of them written out."""
    cases = []
    for side, strides in (
        (224, (8, 16, 32, 32, 32)),
        (192, (8, 16, 16, 16)),
        (128, (8, 16, 16, 16)),
    ):
        centres = []
        for stride in sorted(set(strides)):
            cells = side // stride
            grid = (np.arange(cells) + 0.5) / cells
            rows, columns = np.meshgrid(grid, grid, indexing="ij")
            each = np.stack([columns.ravel(), rows.ravel()], -1)
            centres.append(np.repeat(each, 2 * strides.count(stride), axis=0))
        all_of_them = np.concatenate(centres)
        places = np.linspace(0, len(all_of_them) - 1, 40).astype(int)
        cases.append(
            {
                "side": side,
                "strides": strides,
                "count": len(all_of_them),
                "places": places.tolist(),
                "centres": all_of_them[places].round(7).tolist(),
                "sum": all_of_them.sum(0).tolist(),
            }
        )
    return cases


def detections(random: np.random.Generator) -> dict[str, Any]:
    """A detector's raw output, what stands in it, and what is left when overlaps are merged."""
    side, cells, points = (
        64,
        np.array([(x, y) for y in range(8) for x in range(8) for _ in range(2)]),
        3,
    )
    count = len(cells)
    raw = np.concatenate(
        [
            random.normal(0, 6, (count, 2)),
            random.uniform(10, 30, (count, 2)),
            random.normal(0, 9, (count, 2 * points)),
        ],
        1,
    ).round(3)
    scores = random.normal(-0.5, 2, count).round(3)
    raw[5, 2] = -4
    scores[5] = 3
    detections = []
    for anchor, (box, score) in enumerate(zip(raw, scores, strict=True)):
        sure = 1 / (1 + np.exp(-score))
        if sure < 0.5 or box[2] < 0 or box[3] < 0:
            continue
        centre = (cells[anchor] + 0.5) / 8
        middle = box[:2] / side + centre
        half = box[2:4] / side / 2
        placed = (box[4:].reshape(-1, 2) / side + centre).ravel()
        detections.append([*(middle - half), *(middle + half), *placed, sure])
    return {
        "side": side,
        "strides": [8],
        "points": points,
        "boxes": raw.ravel().tolist(),
        "scores": scores.tolist(),
        "decoded": detections,
        "merged": _merged(np.array(detections), 0.3),
    }


def _merged(boxes: np.ndarray, threshold: float) -> list[list[float]]:
    boxes = boxes[np.argsort(-boxes[:, -1], kind="stable")]
    merged = []
    while len(boxes):
        size = np.clip(
            np.minimum(boxes[:, 2:4], boxes[0, 2:4]) - np.maximum(boxes[:, :2], boxes[0, :2]),
            0,
            None,
        )
        both = size.prod(1)
        areas = (boxes[:, 2:4] - boxes[:, :2]).prod(1)
        together = both / (areas + areas[0] - both) > threshold
        group = boxes[together]
        merged.append([*np.average(group[:, :-1], axis=0, weights=group[:, -1]), group[0, -1]])
        boxes = boxes[~together]
    return [list(map(float, one)) for one in merged]


def smoothing(random: np.random.Generator) -> dict[str, Any]:
    """A point that rests, then runs, at uneven times, through the one-euro filter."""
    times = np.cumsum(random.uniform(0.02, 0.06, 40)).round(4)
    path = np.stack([0.4 + 0.3 * (times > 0.8) * (times - 0.8), np.full(40, 0.5), np.zeros(40)], -1)
    values = (path + random.normal(0, 0.002, path.shape)).round(6)
    size, scale = 180.0, np.array([640, 480, 640])
    cutoff, weight, speed_cutoff = 0.05, 80.0, 1.0
    smooth, speed, expected = values[0] * scale, np.zeros(3), [values[0].tolist()]

    def mix(cutoff: Any, interval: float) -> Any:
        return interval / (interval + 1 / (2 * np.pi * cutoff))

    for before, now, interval in zip(values, values[1:], np.diff(times), strict=False):
        raw_speed = (now - before) * scale / size / interval
        speed = speed + mix(speed_cutoff, interval) * (raw_speed - speed)
        smooth = smooth + mix(cutoff + weight * np.abs(speed), interval) * (now * scale - smooth)
        expected.append((smooth / scale).tolist())
    return {
        "times": times.tolist(),
        "values": values.tolist(),
        "size": size,
        "width": 640,
        "height": 480,
        "minimumCutoff": cutoff,
        "speedWeight": weight,
        "expected": expected,
    }


def regions(random: np.random.Generator) -> list[dict[str, Any]]:
    """Squares by two points, and boxes around turned points: by complex numbers."""
    cases = []
    for _ in range(12):
        width, height = (int(side) for side in random.integers(100, 900, 2))
        points = random.uniform(0, 1, (6, 2)).round(4)
        target, turn = float(random.choice([90, -90, 0])), float(random.uniform(-3, 3))
        scale, shift = 1.25, -0.1
        pixel = points @ np.diag([width, height]) @ np.array([1, 1j])
        way = pixel[1] - pixel[0]
        # Clockwise on the screen is counter-clockwise where y goes down.
        rotation = np.angle(np.exp(1j * (np.radians(target) + np.angle(way))))
        side = 2 * abs(way)
        centre = pixel[0] + np.exp(1j * rotation) * 1j * shift * side
        straight = pixel * np.exp(-1j * turn)
        box = [straight.real.min(), straight.imag.min(), straight.real.max(), straight.imag.max()]
        middle = complex((box[0] + box[2]) / 2, (box[1] + box[3]) / 2) * np.exp(1j * turn)
        cases.append(
            {
                "size": [width, height],
                "points": points.tolist(),
                "target": target,
                "scale": scale,
                "shift": shift,
                "aligned": [
                    centre.real / width,
                    centre.imag / height,
                    scale * side / width,
                    scale * side / height,
                    rotation,
                ],
                "turn": turn,
                "bounding": [
                    middle.real / width,
                    middle.imag / height,
                    (box[2] - box[0]) / width,
                    (box[3] - box[1]) / height,
                    turn,
                ],
            }
        )
    return cases


def heatmap(random: np.random.Generator) -> dict[str, Any]:
    """Points that a map moves, and points that it is not sure of."""
    side, window, points = 16, 9, 5
    logits = random.normal(-4, 1, (side, side, points)).round(3)
    centres = np.array([(3.2, 4.1), (15.4, 0.3), (8.0, 8.9), (12.0, 3.0), (-1.5, 7.0)])
    for point in (0, 1, 2):
        column, row = centres[point].astype(int)
        logits[row, column, point] = 3
    moved = []
    for point, (x, y) in enumerate(centres):
        column, row = int(x), int(y)
        half = window // 2
        rows, columns = np.mgrid[
            max(0, row - half) : row + half + 1, max(0, column - half) : column + half + 1
        ]
        inside = (rows < side) & (columns < side)
        rows, columns = rows[inside], columns[inside]
        sure = 1 / (1 + np.exp(-logits[rows, columns, point]))
        if x < 0 or sure.max() < 0.5:
            moved.append([x / side, y / side])
        else:
            moved.append(
                [
                    float((columns * sure).sum() / sure.sum() / side),
                    float((rows * sure).sum() / sure.sum() / side),
                ]
            )
    return {
        "side": side,
        "window": window,
        "points": (centres / side).tolist(),
        "map": logits.ravel().tolist(),
        "expected": moved,
    }


def golden() -> dict[str, Any]:
    """Name -> what the tests expect."""
    return {
        "keypoints_anchors": anchors(),
        "keypoints_crops": {"size": SIZE, "side": 12, "cases": crops()},
        "keypoints_detections": detections(np.random.default_rng(1)),
        "keypoints_heatmap": heatmap(np.random.default_rng(2)),
        "keypoints_regions": regions(np.random.default_rng(3)),
        "keypoints_smoothing": smoothing(np.random.default_rng(4)),
    }


# Levels of 8 bits by which a crop may differ: releases of OpenCV before 5 interpolate between
# thirty-seconds of a pixel, later ones exactly.
CROP_LEVELS = 5


def alike(made: Any, kept: Any, tolerance: float) -> bool:
    """Whether two values of JSON have one form, and numbers that differ by rounding at most."""
    if isinstance(made, dict) and isinstance(kept, dict):
        return made.keys() == kept.keys() and all(
            alike(value, kept[name], tolerance) for name, value in made.items()
        )
    if isinstance(made, list) and isinstance(kept, list):
        return len(made) == len(kept) and all(alike(a, b, tolerance) for a, b in zip(made, kept))
    if type(made) in (int, float) and type(kept) in (int, float):
        return abs(made - kept) <= tolerance
    return made == kept


def current(name: str, content: dict[str, Any], path: Path) -> bool:
    """Whether a file holds what would be written, up to rounding of the libraries."""
    if not path.is_file():
        return False
    tolerance = CROP_LEVELS if name == "keypoints_crops" else 1e-9
    return alike(json.loads(json.dumps(content)), json.loads(path.read_text()), tolerance)


def main(arguments: list[str] | None = None) -> int:
    """Write the files, or with --check say whether they are as they would be written."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if a file differs")
    options = parser.parse_args(arguments)
    differ = []
    for name, content in golden().items():
        path = FOLDER / f"{name}.json"
        if not options.check:
            path.write_text(json.dumps(content, separators=(",", ":")) + "\n")
        elif not current(name, content, path):
            differ.append(path.name)
    if differ:
        print(f"golden_keypoints: {', '.join(differ)} would be written otherwise", file=sys.stderr)
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
