"""Your own keypoints: a table of glosses, and one `.npy` or `.npz` file per clip."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from slr_keras.data.arrays import read_array, read_npz
from slr_keras.data.contract import KeypointContract, contract
from slr_keras.data.datasets import hand_centred as hands, own_table
from slr_keras.data.datasets.base import Dataset, Option, frame_size
from slr_keras.data.datasets.held_out import given_file
from slr_keras.data.datasets.passing_over import PassedOver
from slr_keras.data.datasets.span_arrays import Spans, require_fit, spans_of_clips
from slr_keras.data.layout import KeypointLayout, layout as keypoint_layout
from slr_keras.data.writer import FolderWriter
from slr_keras.utils.errors import UserError


def prepare(
    source: Path,
    folder: Path,
    layout: str = "coco_wholebody_133",
    contract_file: str = "",
    image_size: str = "",
    normalisation: str = "",
    fps: float = 0.0,
    root: tuple[str, ...] = (),
    scale: tuple[str, ...] = (),
    hand_centred: tuple[str, ...] = (),
    spans_file: str = "",
    **table: Any,
) -> None:
    """Write the data folder of your own keypoints.

    The spans of the signs, [start, end) in frames, stand in the column spans of the table, in an
    array `spans` (signs, 2) of the clip's `.npz` file, or in one file of all clips.

    Args:
        source: folder of the table and the arrays (frames, points, channels).
        folder: to write.
        layout: name of the arrays' keypoint layout, or the path of your own layout.
        contract_file: a `keypoints.json` to use instead of the layout's ready-made contract.
        image_size: "640x480" in the units of x and y, "" for the contract's.
        normalisation: "image", "body", or "" for the contract's.
        fps: frames a second, 0 for the contract's.
        root, scale: points of "body" normalisation, () for the contract's.
        hand_centred: the points that the others are given relative to, such as the wrists: their
            x = y = 0 is a position; see `hand_centred`.
        spans_file: `.npz` file of the spans of all clips in the order of the table: `spans`
            (clips, signs, 2), [-1, -1] behind the last sign, or (all signs, 2) with `lengths`.
        table: see `own_table.read_rows`.

    Raises:
        UserError: a file is missing, the table is malformed, spans do not fit the clip, or no clip
            of train can be read. Another clip that cannot be read is passed over.
    """
    overrides: dict[str, Any] = {}
    if hand_centred:
        overrides |= hands.contract_fields(keypoint_layout(layout), hand_centred)
    if image_size:
        overrides["image_size"] = frame_size(image_size)
    if normalisation:
        overrides["normalisation"] = normalisation
    if fps:
        overrides["fps"] = fps
    overrides |= {name: given for name, given in (("root", root), ("scale", scale)) if given}
    if contract_file and overrides:
        raise UserError("a contract file says image size, normalisation, points and fps itself")
    chosen = (
        KeypointContract.read(contract_file) if contract_file else contract(layout, **overrides)
    )
    passed = PassedOver()
    with FolderWriter(folder, chosen) as writer:
        rows = list(own_table.read_rows(source, DATASET, (".npy", ".npz"), **table))
        for row, spans in zip(rows, _spans(source, rows, spans_file)):
            keypoints = None
            with passed.reading(row.split, row.id):
                keypoints = _keypoints(row, chosen.source)
                if spans is None and not spans_file:
                    spans = _own_spans(row)
                if hand_centred:
                    keypoints = hands.mark_missing(keypoints, chosen.source, hand_centred)
            if keypoints is None:
                continue
            if spans is not None:
                require_fit(str(row.path), row.id, row.glosses, len(keypoints), spans)
            writer.add(
                row.split,
                id=row.id,
                glosses=row.glosses,
                keypoints=keypoints,
                signer=row.signer,
                text=row.text,
                fps=row.fps,
                **({} if spans is None else {"spans": spans}),
            )
        passed.write(writer.path)


def _keypoints(row: own_table.Row, layout: KeypointLayout) -> np.ndarray:
    keypoints = read_array(row.path)
    points, channels = len(layout.points), len(layout.channels)
    if keypoints.ndim != 3 or keypoints.shape[1:] != (points, channels):
        raise UserError(
            f"{row.path}: sample {row.id!r}: keypoints have shape {keypoints.shape}, but layout "
            f"{layout.name!r} has (frames, {points}, {channels})"
        )
    return keypoints


def _own_spans(row: own_table.Row) -> Spans | None:
    """The spans in the clip's own file."""
    if row.path.suffix != ".npz":
        return None
    array = read_npz(row.path, (), ("spans",)).get("spans")
    if array is None:
        return None
    (spans,) = spans_of_clips(row.path, array, [len(row.glosses)])
    return spans


def _spans(source: Path, rows: list[own_table.Row], file: str) -> Iterator[Spans | None]:
    """The spans of every row, from the file of all clips or the table."""
    if not file:
        yield from (row.spans for row in rows)
        return
    if any(row.spans is not None for row in rows):
        raise UserError(f"--spans-file {file}: the table has a column spans; give one of them")
    path = given_file(source, file, "--spans-file")
    data = read_npz(path, ("spans",), ("lengths",))
    counts = [len(row.glosses) for row in rows]
    yield from spans_of_clips(path, data["spans"], counts, data.get("lengths"))


DATASET = Dataset(
    name="npz",
    title="your own keypoints: a table of glosses and one .npy or .npz file a clip",
    obtain="your own recordings",
    licence="yours",
    files=(
        own_table.COLUMNS,
        "<id>.npy or <id>.npz (array keypoints): (frames, points, channels); optional array spans "
        "(signs, 2) in the .npz",
        "with --spans-file: spans (clips, signs, 2), [-1, -1] behind the last sign, or (all signs, "
        "2) with lengths (clips)",
    ),
    prepare=prepare,
    options=(
        Option("layout", "coco_wholebody_133", "keypoint layout, or the path of your own"),
        Option("contract_file", "", "a keypoints.json to use instead of the layout's own"),
        Option("image_size", "", "width and height in the units of x and y, such as 640x480"),
        Option("normalisation", "", "instead of the layout's own", ("", "image", "body")),
        Option("fps", 0.0, "frames a second (default: the layout's own)"),
        Option("root", (), "points that are the origin of body normalisation, instead of its own"),
        Option("scale", (), "two points a unit apart in body normalisation, instead of its own"),
        Option(
            "hand_centred",
            (),
            "points that the others are given relative to, such as left_hand_wrist "
            "right_hand_wrist: their (0, 0) is a position and not missing, and body normalisation "
            "keeps it the origin",
        ),
        Option("spans_file", "", "one .npz file with the spans of all clips, in the table's order"),
        *own_table.OPTIONS,
    ),
)
