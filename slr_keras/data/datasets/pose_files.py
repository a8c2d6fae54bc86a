"""Own `.pose` files (library pose-format) with a table of glosses."""

from pathlib import Path
from typing import Any

from slr_keras.data.contract import contract
from slr_keras.data.datasets import own_table
from slr_keras.data.datasets.base import Dataset, Option
from slr_keras.data.datasets.passing_over import PassedOver, first_readable
from slr_keras.data.datasets.span_arrays import require_fit
from slr_keras.data.pose_file import read_pose_clip
from slr_keras.data.writer import FolderWriter
from slr_keras.utils.errors import UserError


def prepare(source: Path, folder: Path, normalisation: str = "body", **table: Any) -> None:
    """Write the data folder of a folder of `.pose` files with a table of glosses.

    Args:
        source: folder of the table and the `.pose` files, all of one layout.
        folder: to write.
        normalisation: "body" makes clips of different cameras alike; "image" keeps pixels.
        table: see `own_table.read_rows`.

    Raises:
        UserError: a file is missing or of another layout than the first, or no clip of train can
            be read. Another clip that cannot be read is passed over.
    """
    rows = list(own_table.read_rows(source, DATASET, (".pose",), **table))
    first = first_readable([row.path for row in rows], read_pose_clip)
    passed = PassedOver()
    chosen = contract(
        first.layout, image_size=first.image_size, normalisation=normalisation, fps=first.fps
    )
    with FolderWriter(folder, chosen) as writer:
        for row in rows:
            clip = None
            with passed.reading(row.split, row.id):
                clip = read_pose_clip(row.path)
            if clip is None:
                continue
            same_image = normalisation == "body" or clip.image_size == first.image_size
            if clip.layout != first.layout or not same_image:
                raise UserError(
                    f"{row.path}: {clip.layout} of {clip.image_size}, but {rows[0].path} is "
                    f"{first.layout} of {first.image_size}; prepare them apart"
                )
            if row.spans is not None:
                require_fit(str(row.path), row.id, row.glosses, len(clip.keypoints), row.spans)
            writer.add(
                row.split,
                id=row.id,
                glosses=row.glosses,
                keypoints=clip.keypoints,
                signer=row.signer,
                text=row.text,
                fps=row.fps or clip.fps,
                **({} if row.spans is None else {"spans": row.spans}),
            )
        passed.write(writer.path)


DATASET = Dataset(
    name="pose_files",
    title="your own .pose files (pose-format) with a table of glosses",
    obtain="your own recordings, or any corpus that is given out as .pose files",
    licence="yours, or the corpus'",
    files=(
        own_table.COLUMNS,
        "<id>.pose: MediaPipe Holistic, or OpenPose with face and hands",
    ),
    prepare=prepare,
    options=(
        Option("normalisation", "body", "body makes cameras alike", ("body", "image")),
        *own_table.OPTIONS,
    ),
)
