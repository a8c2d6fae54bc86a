"""Your own keypoints: a table of glosses, and one `.npy` or `.npz` file per clip."""

from pathlib import Path
from typing import Any

from slr_keras.data.arrays import read_array
from slr_keras.data.contract import KeypointContract, contract
from slr_keras.data.datasets import own_table
from slr_keras.data.datasets.base import Dataset, Option, frame_size
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
    **table: Any,
) -> None:
    """Write the data folder of your own keypoints.

    Args:
        source: folder of the table and the arrays (frames, points, channels).
        folder: to write.
        layout: name of the arrays' keypoint layout, or the path of your own layout.
        contract_file: a `keypoints.json` to use instead of the layout's ready-made contract.
        image_size: "640x480" in the units of x and y, "" for the contract's.
        normalisation: "image", "body", or "" for the contract's.
        fps: frames a second, 0 for the contract's.
        table: see `own_table.read_rows`.

    Raises:
        UserError: a file is missing or malformed, or an array does not fit the layout.
    """
    overrides: dict[str, Any] = {}
    if image_size:
        overrides["image_size"] = frame_size(image_size)
    if normalisation:
        overrides["normalisation"] = normalisation
    if fps:
        overrides["fps"] = fps
    if contract_file and overrides:
        raise UserError("a contract file says image size, normalisation and fps itself")
    chosen = (
        KeypointContract.read(contract_file) if contract_file else contract(layout, **overrides)
    )
    with FolderWriter(folder, chosen) as writer:
        for row in own_table.read_rows(source, DATASET, (".npy", ".npz"), **table):
            writer.add(
                row.split,
                id=row.id,
                glosses=row.glosses,
                keypoints=read_array(row.path),
                signer=row.signer,
                text=row.text,
                fps=row.fps,
            )


DATASET = Dataset(
    name="npz",
    title="your own keypoints: a table of glosses and one .npy or .npz file a clip",
    obtain="your own recordings",
    licence="yours",
    files=(
        "glosses.csv: columns id, glosses (separated by spaces); optional file, split, signer, "
        "text, fps",
        "<id>.npy or <id>.npz (array keypoints): (frames, points, channels)",
    ),
    prepare=prepare,
    options=(
        Option("layout", "coco_wholebody_133", "keypoint layout, or the path of your own"),
        Option("contract_file", "", "a keypoints.json to use instead of the layout's own"),
        Option("image_size", "", "width and height in the units of x and y, such as 640x480"),
        Option("normalisation", "", "instead of the layout's own", ("", "image", "body")),
        Option("fps", 0.0, "frames a second (default: the layout's own)"),
        *own_table.OPTIONS,
    ),
)
