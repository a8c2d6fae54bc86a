"""Write the data folder of the extracted clips."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slr_keras.data.contract import KeypointContract, contract
from slr_keras.data.lines import SPLITS
from slr_keras.data.missing import MISSING_FILE, Missing
from slr_keras.data.writer import FolderWriter
from slr_keras.extraction.clip_files import read_clip_file
from slr_keras.extraction.parts import parts_found
from slr_keras.extraction.report import PICTURE, RECORD, ClipReport, Report
from slr_keras.extraction.settings import LAYOUT
from slr_keras.extraction.sources import Source
from slr_keras.utils.errors import UserError

#: A source and the file of its keypoints.
Clip = tuple[Source, Path]


def require_own(folder: Path) -> None:
    """Refuse a folder that holds manifests of another command.

    Raises:
        UserError: `folder` is a file, or holds data that would be replaced.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: is a file; give a folder")
    foreign = [f"{split}.jsonl" for split in SPLITS if (folder / f"{split}.jsonl").exists()]
    if foreign and not (folder / RECORD).exists():
        raise UserError(
            f"{folder}: holds {foreign[0]}, which was not made from video here and would be "
            "replaced; choose another folder"
        )


def write_data_folder(
    folder: Path,
    clips: Sequence[Clip],
    failures: Sequence[tuple[Source, str]],
    settings: Mapping[str, Any],
    fps: float,
    normalisation: str,
) -> Report:
    """Write manifests, keypoints, contract and report of clips, in their order.

    One contract describes all clips, in pixels of the most frequent picture size. Points of a clip
    of another size are scaled and moved as if its pictures were letterboxed to that size.

    Args:
        folder: to write; files of an earlier call are replaced.
        clips: at least one.
        failures: clips without keypoints, and the reason.
        settings: of MediaPipe, for the report.
        fps: of the clips.
        normalisation: see `KeypointContract`.

    Returns:
        The detection statistics.
    """
    sizes = Counter(read_clip_file(path)[1] for _, path in clips)
    rules = folder_contract(max(sizes, key=sizes.get), fps, normalisation)
    used = {source.split for source, _ in clips}
    absent = [f"{split}.{kind}" for split in set(SPLITS) - used for kind in ("jsonl", "npy")]
    removed = [MISSING_FILE, PICTURE, *absent]
    reports = []
    with FolderWriter(folder, rules, removed=removed) as writer:
        for source, path in clips:
            raw, size = read_clip_file(path)
            raw = fitted(raw, size, rules.image_size)
            writer.add(
                source.split,
                id=source.id,
                glosses=source.glosses,
                keypoints=raw,
                signer=source.signer,
                text=source.text,
                fps=fps,
                **_extra(source, fps),
            )
            parts = parts_found(raw, rules)
            reports.append(
                ClipReport(source.id, source.split, str(source.path), len(raw), fps, parts)
            )
        _write_missing(writer.path(MISSING_FILE), clips, failures)
        reasons = {str(source.path): why for source, why in failures}
        report = Report(settings, reports, reasons)
        report.write(writer.path(RECORD).parent)
    return report


def folder_contract(
    image_size: tuple[float, float], fps: float, normalisation: str = "body"
) -> KeypointContract:
    """The contract of MediaPipe Holistic's keypoints in pixels."""
    return contract(LAYOUT, image_size=image_size, fps=fps, normalisation=normalisation)


def fitted(raw: np.ndarray, size: tuple[float, float], target: tuple[float, float]) -> np.ndarray:
    """Points of pictures of one size, moved as if the pictures were letterboxed to another size.

    >>> import numpy as np
    >>> from slr_keras.extraction.folder import fitted
    >>> corner = np.array([[[640.0, 480.0, 8.0, 1.0]]])
    >>> fitted(corner, (640, 480), (1280, 720))[0, 0].tolist()
    [1120.0, 720.0, 12.0, 1.0]
    """
    if tuple(size) == tuple(target):
        return raw
    scale = min(np.divide(target, size))
    result = np.array(raw)
    result[..., :3] *= scale
    result[..., :2] += (np.array(target) - np.multiply(size, scale)) / 2
    # Missing points stay zero.
    result[raw[..., 3] <= 0] = raw[raw[..., 3] <= 0]
    return result


def _extra(source: Source, fps: float) -> dict:
    """Further keys of the manifest's line, with `spans` in frames of the new rate."""
    extra = {"source": str(source.path), **source.extra}
    spans = extra.get("spans")
    if source.times is not None and isinstance(spans, list):
        starts = (0, *source.times.ends)
        scale, last = fps / source.times.per_second, len(starts) - 1
        extra["spans"] = [[round(starts[min(t, last)] * scale) for t in span] for span in spans]
    elif source.fps and isinstance(spans, list):
        scale = fps / source.fps
        extra["spans"] = [[round(t * scale) for t in span] for span in spans]
    return extra


def _write_missing(
    path: Path, clips: Iterable[Clip], failures: Sequence[tuple[Source, str]]
) -> None:
    if not failures:
        return
    expected = Counter(source.split for source, _ in clips)
    expected.update(source.split for source, _ in failures)
    absent: dict[str, dict[str, str]] = {}
    for source, why in failures:
        absent.setdefault(source.split, {})[source.id] = why
    Missing(dict(expected), absent).write(path)
