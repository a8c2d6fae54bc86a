"""Documents of ELAN with the keypoints of their recordings: glosses and spans from tiers."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slr_keras.data.contract import contract
from slr_keras.data.datasets.base import Dataset, Option, one_word
from slr_keras.data.datasets.landmark_files import LandmarkClip, landmark_file, read_landmarks
from slr_keras.data.datasets.passing_over import PassedOver
from slr_keras.data.datasets.splits import held_out
from slr_keras.data.writer import FolderWriter
from slr_keras.text.eaf import Annotation, EafDocument, read_eaf
from slr_keras.utils.errors import UserError
from slr_keras.utils.unicode import readable

_TIER_NEEDED = "prepare elan: name the tiers of the glosses with --tier"


@dataclass(frozen=True)
class _Part:
    """A clip to cut out of a recording: `[first, end)` and spans in frames of the recording."""

    id: str
    file: Path
    first: int
    end: int
    glosses: tuple[str, ...]
    spans: list[list[int]]
    signer: str = ""


def prepare(
    source: Path,
    folder: Path,
    tier: tuple[str, ...] = (),
    sentences: str = "",
    landmarks: str = "",
    signer_from: str = "none",
    normalisation: str = "body",
    dev_signers: tuple[str, ...] = (),
    test_signers: tuple[str, ...] = (),
    dev_fraction: float = 0.1,
    test_fraction: float = 0.0,
    seed: int = 0,
) -> None:
    """Write the data folder of a folder of ELAN documents.

    Tiers of one signer are one sequence of glosses in the order of their starts. Times become the
    nearest frames, so that times that were written from frames give the same frames back.

    Args:
        source: folder of the documents, searched recursively.
        folder: to write.
        tier: tiers of the glosses; a document need not have all of them.
        sentences: tier whose annotations are the clips; "" takes whole recordings. A sign belongs
            to the sentence that holds its middle.
        landmarks: folder of the keypoint files; "" looks beside the documents. A file has the name
            of the document or of a linked medium, with .npz or .pose.
        signer_from: "participant": the tiers' participants, each with clips of their own; "file":
            the name of the document; "none".
        normalisation: see `pose_files`.
        dev_signers, test_signers, dev_fraction, test_fraction, seed: see `splits.held_out`.

    Raises:
        UserError: no tier is named, or no document can be read. Another document that cannot be
            read is passed over.
    """
    documents = sorted(path for path in source.rglob("*.eaf") if not path.name.startswith("."))
    if not documents:
        raise DATASET.missing(source, DATASET.files[:1])
    if not tier:
        raise UserError(_TIER_NEEDED)
    passed, parts, first = PassedOver(), list[_Part](), None
    for path in documents:
        name = readable(path.relative_to(source).with_suffix("").as_posix())
        with passed.reading("train", name):
            document = read_eaf(path)
            places = _places(source, path, landmarks)
            file, origin = landmark_file(document, places)
            clip = read_landmarks(file)
            first = first or clip
            _require_alike(clip, first, normalisation)
            found = list(_parts(document, name, clip, origin, tier, sentences, signer_from))
            if not found:
                raise UserError(f"{path}: no annotation of the tiers {', '.join(tier)} has a value")
            parts += found
    if first is None or not parts:
        failed = passed.failures.failed
        raise UserError(f"no document can be read; the first: {failed[0].reason}")
    rules = contract(
        first.layout, image_size=first.image_size, normalisation=normalisation, fps=first.fps
    )
    chosen = dev_signers, test_signers, dev_fraction, test_fraction, seed
    splits = held_out([part.glosses for part in parts], [p.signer for p in parts], *chosen)
    with FolderWriter(folder, rules) as writer:
        _write(writer, parts, splits)
        passed.write(writer.path)


def _places(source: Path, path: Path, landmarks: str) -> list[Path]:
    """Folders of the keypoint file: beside the document, or in the same folder of another tree."""
    if not landmarks:
        return [path.parent]
    return [Path(landmarks) / path.parent.relative_to(source), Path(landmarks)]


def _write(writer: FolderWriter, parts: list[_Part], splits: list[str]) -> None:
    file, clip = None, None
    for part, split in zip(parts, splits, strict=True):
        if part.file != file or clip is None:
            # The parts of a recording follow one another, so that one is in memory.
            file, clip = part.file, read_landmarks(part.file)
        writer.add(
            split,
            id=part.id,
            glosses=part.glosses,
            keypoints=clip.keypoints[part.first : part.end],
            signer=part.signer,
            fps=clip.fps,
            spans=part.spans,
            source=str(part.file),
            source_start=part.first,
        )


def _parts(
    document: EafDocument,
    name: str,
    clip: LandmarkClip,
    origin: int,
    names: tuple[str, ...],
    sentences: str,
    signer_from: str,
) -> Iterator[_Part]:
    """The clips of one document."""
    there = [document.tier(wanted) for wanted in names if wanted in document.tiers]
    if not there:
        document.tier(names[0])
    groups: dict[str, list[Annotation]] = {}
    for tier in there:
        person = tier.participant if signer_from == "participant" else ""
        groups.setdefault(person, []).extend(tier.annotations)
    windows = document.tier(sentences).annotations if sentences else (None,)
    frames = len(clip.keypoints)
    for person, annotations in groups.items():
        signs = sorted((a for a in annotations if a.value.strip()), key=lambda a: (a.start, a.end))
        if len(signs) < len(annotations):
            empty = len(annotations) - len(signs)
            print(f"note: {document.path}: {empty} annotations without a value", file=sys.stderr)
        for number, window in enumerate(windows, start=1):
            inside = [a for a in signs if window is None or _holds(window, a)]
            if not inside:
                continue
            first, end = (0, frames) if window is None else _frames(window, clip.fps, origin)
            spans = [_frames(a, clip.fps, origin) for a in inside]
            _require_inside(document, inside, spans, frames)
            first, end = max(min(first, frames - 1), 0), min(end, frames)
            id = name + (f"/{person}" if len(groups) > 1 else "")
            yield _Part(
                f"{id}/{number:04d}" if window is not None else id,
                clip.path,
                first,
                end,
                tuple(one_word(a.value) for a in inside),
                [_within(span, first, end) for span in spans],
                {"participant": person, "file": name}.get(signer_from, ""),
            )


def _holds(window: Annotation, sign: Annotation) -> bool:
    return window.start <= (sign.start + sign.end) / 2 < window.end


def _frames(place: Annotation, fps: float, origin: int) -> tuple[int, int]:
    """The nearest frames to start and end; one at least."""
    first, end = (int((t + origin) * fps / 1000 + 0.5) for t in (place.start, place.end))
    return first, max(end, first + 1)


def _within(span: tuple[int, int], first: int, end: int) -> list[int]:
    """A span in frames of the clip `[first, end)`, of one frame at least."""
    start = min(max(span[0], first), end - 1)
    return [start - first, max(min(span[1], end), start + 1) - first]


def _require_inside(
    document: EafDocument,
    signs: list[Annotation],
    spans: list[tuple[int, int]],
    frames: int,
) -> None:
    for sign, (start, end) in zip(signs, spans, strict=True):
        # The end of the last sign may lie a frame behind the last one.
        if start < 0 or start >= frames or end > frames + 1:
            raise UserError(
                f"{document.path}: annotation {sign.id!r} ({sign.value}) is frames {start} to "
                f"{end}, outside the {frames} frames of the recording"
            )


def _require_alike(clip: LandmarkClip, first: LandmarkClip, normalisation: str) -> None:
    same_image = normalisation == "body" or clip.image_size == first.image_size
    if clip.layout != first.layout or not same_image:
        raise UserError(
            f"{clip.path}: {clip.layout} of {clip.image_size}, but {first.path} is {first.layout} "
            f"of {first.image_size}; prepare them apart"
        )


DATASET = Dataset(
    name="elan",
    title="your own ELAN documents (.eaf), with keypoints of their recordings",
    obtain="your own annotations; `slr extract` finds the keypoints of the recordings",
    licence="yours, or the corpus'",
    files=(
        "<name>.eaf: documents of ELAN, also in folders",
        "<name>.npz or .pose: keypoints, as `slr extract` writes them, or in --landmarks",
    ),
    prepare=prepare,
    options=(
        Option("tier", (), "tiers of the glosses"),
        Option("sentences", "", "tier whose annotations are the clips; default: whole recordings"),
        Option("landmarks", "", "folder of the keypoint files; default: beside the documents"),
        Option(
            "signer_from",
            "none",
            "where the signer's name stands: the participant of a tier, or the document's name",
            ("none", "participant", "file"),
        ),
        Option("normalisation", "body", "body makes cameras alike", ("body", "image")),
        Option("dev_signers", (), "signers kept for dev"),
        Option("test_signers", (), "signers kept for test"),
        Option("dev_fraction", 0.1, "fraction of the clips for dev, without signers"),
        Option("test_fraction", 0.0, "the same for test"),
        Option("seed", 0, "of the random choice for dev and test"),
    ),
)
