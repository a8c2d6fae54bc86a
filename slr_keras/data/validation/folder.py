"""Validate a data folder before training: find errors and misleading data."""

import itertools
from collections.abc import Callable, Iterable
from pathlib import Path

from slr_keras.data.contract import KeypointContract
from slr_keras.data.lines import CONTRACT_FILE, FRAMES_FILE, SPLITS, manifest_lines, parse_sample
from slr_keras.data.validation.clips import ClipChecker
from slr_keras.data.validation.files import check_groups, check_missing, check_published
from slr_keras.data.validation.findings import (
    ERROR,
    WARNING,
    Finding,
    Report,
    SplitSummary,
)
from slr_keras.data.validation.samples import (
    Row,
    check_glosses,
    check_ids_across,
    check_needed_splits,
    check_places,
    check_rate,
    check_samples,
    check_seen,
    check_splits,
    infeasible,
)
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.video.probe import VideoChecker
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.utils.errors import UserError

__all__ = ["Finding", "Report", "SplitSummary", "infeasible", "validate_folder"]


def validate_folder(
    folder: str | Path,
    *,
    expect_disjoint_signers: bool = False,
    expect_disjoint_sentences: bool = False,
    temporal_stride: int = 4,
    deep: bool = True,
    progress: Callable[[Iterable[Row]], Iterable[Row]] = iter,
) -> Report:
    """Check a data folder and summarise its splits.

    Args:
        folder: data folder with `keypoints.json`, `frames.json` or both, and at least one of the
            splits train, dev and test.
        expect_disjoint_signers: report a signer in two splits as an error.
        expect_disjoint_sentences: report a gloss sequence in train and in another split as an
            error.
        temporal_stride: frames per output step of the model, for CTC feasibility.
        deep: read the keypoints of every clip, and open every video and decode its first picture;
            otherwise only the manifests are checked.
        progress: wraps the rows of a split, to display progress while clips are read.

    Returns:
        The report; `errors` is empty if the folder is valid.

    Raises:
        UserError: the folder does not exist or has no split.

    >>> import tempfile, numpy as np
    >>> from slr_keras.data.contract import contract
    >>> from slr_keras.data.manifest import FolderWriter
    >>> from slr_keras.data.validation.folder import validate_folder
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with FolderWriter(folder, contract("kinect_20")) as writer:
    ...         writer.add("train", id="a", glosses=["RAIN"], keypoints=np.ones((9, 20, 4)))
    ...     report = validate_folder(folder)
    >>> report.splits["train"].samples, len(report.errors)
    (1, 0)
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"{folder}: no such data folder")
    present = [split for split in SPLITS if (folder / f"{split}.jsonl").is_file()]
    if not present:
        raise UserError(f"{folder}: no train.jsonl, dev.jsonl or test.jsonl in this folder")
    findings: list[Finding] = []
    rows = {split: _read_split(folder / f"{split}.jsonl", findings) for split in present}
    frames = (folder / FRAMES_FILE).exists()
    filmed = _read_contract(FrameContract, folder / FRAMES_FILE, findings) if frames else None
    contract = None
    if not frames or (folder / CONTRACT_FILE).exists():
        contract = _read_contract(KeypointContract, folder / CONTRACT_FILE, findings)
    contracts = [(contract, "keypoints", CONTRACT_FILE), (filmed, "video", FRAMES_FILE)]
    fps = next((described.fps for described, *_ in contracts if described is not None), None)
    vocabulary = _read_vocabulary(folder, rows, findings)
    check_missing(folder, findings)
    check_groups(folder, vocabulary, findings)
    for split in present:
        check_samples(rows[split], split, temporal_stride, findings, fps)
        if vocabulary is not None:
            check_glosses(rows[split], split, vocabulary, findings)
        for described, key, file in contracts:
            if described is not None:
                check_rate(rows[split], described.fps, file, findings)
                check_places(rows[split], key, file, findings)
    check_ids_across(rows, findings)
    check_needed_splits(rows, str(folder), findings)
    check_seen(rows, vocabulary, findings)
    check_splits(rows, expect_disjoint_signers, expect_disjoint_sentences, findings)
    checker = ClipChecker(folder, contract, findings) if deep and contract else None
    watcher = VideoChecker(folder, filmed, findings) if deep and filmed else None
    if checker or watcher:
        for split in present:
            for where, sample in progress(rows[split]):
                if checker and sample.keypoints:
                    checker.check(split, where, sample)
                if watcher:
                    watcher.check(where, sample)
            if checker:
                checker.report_parts(split)
    for split in present:
        check_published(folder / f"{split}.jsonl", findings)
    splits = {
        split: _summary(rows[split], split, temporal_stride, vocabulary, checker, fps)
        for split in present
    }
    return Report(str(folder), splits, _shared(rows), tuple(findings))


def _read_split(path: Path, findings: list[Finding]) -> list[Row]:
    rows: list[Row] = []
    first: dict[str, str] = {}
    try:
        lines = list(manifest_lines(path))
    except UserError as error:
        findings.append(Finding(ERROR, "manifest", "", str(path), str(error), "repair the file"))
        return rows
    for number, line in lines:
        where = f"{path}:{number}"
        try:
            sample = parse_sample(line, where, path.stem)
        except UserError as error:
            what = str(error).removeprefix(f"{where}: ")
            findings.append(Finding(ERROR, "manifest", "", where, what, "correct the line"))
            continue
        if sample.id in first:
            what = f"the id is already at {first[sample.id]}"
            advice = "give it another id or drop one of the two"
            findings.append(Finding(ERROR, "duplicate-id", sample.id, where, what, advice))
            continue
        first[sample.id] = where
        rows.append((where, sample))
    if not rows:
        advice = "add samples or remove the file"
        findings.append(Finding(WARNING, "empty-split", "", str(path), "no samples", advice))
    return rows


def _read_contract(kind: type, path: Path, findings: list[Finding]):
    try:
        return kind.read(path)
    except UserError as error:
        what = str(error).removeprefix(f"{path}: ")
        advice = f"write it with {kind.__name__}.write; {path.stem} were not checked"
        findings.append(Finding(ERROR, "contract", "", str(path), what, advice))
        return None


def _read_vocabulary(
    folder: Path, rows: dict[str, list[Row]], findings: list[Finding]
) -> Vocabulary | None:
    path = folder / "vocabulary.txt"
    try:
        if path.exists():
            return Vocabulary.read(path)
        if "train" in rows:
            return Vocabulary.from_samples([sample for _, sample in rows["train"]])
    except UserError as error:
        what = str(error).removeprefix(f"{path}: ")
        advice = "correct it, or remove vocabulary.txt to have it built from train"
        findings.append(Finding(ERROR, "vocabulary", "", str(path), what, advice))
    return None


def _shared(rows: dict[str, list[Row]]) -> dict[str, dict[str, int]]:
    shared = {}
    for one, other in itertools.combinations(rows, 2):
        counts = {}
        for name in ("signer", "glosses"):
            sets = [{getattr(s, name) for _, s in rows[split]} - {"", ()} for split in (one, other)]
            counts[name] = len(sets[0] & sets[1])
        shared[f"{one}/{other}"] = {"signers": counts["signer"], "sentences": counts["glosses"]}
    return shared


def _summary(
    rows: list[Row],
    split: str,
    temporal_stride: int,
    vocabulary: Vocabulary | None,
    checker: ClipChecker | None,
    fps: float | None,
) -> SplitSummary:
    samples = [sample for _, sample in rows]
    frames = [sample.frames for sample in samples] or [0]
    glosses = [gloss for sample in samples for gloss in sample.glosses]
    unknown = {gloss for gloss in glosses if vocabulary is not None and gloss not in vocabulary}
    return SplitSummary(
        samples=len(samples),
        frames_total=sum(frames),
        frames_min=min(frames),
        frames_mean=sum(frames) / len(frames),
        frames_max=max(frames),
        glosses=len(glosses),
        distinct_glosses=len(set(glosses)),
        unknown_glosses=len(unknown),
        signers=len({sample.signer for sample in samples if sample.signer}),
        empty=sum(sample.frames == 0 for sample in samples),
        infeasible=sum(infeasible(sample, temporal_stride, fps) for sample in samples),
        missing_share=checker.missing_share(split) if checker else None,
        non_finite=checker.non_finite[split] if checker else None,
    )
