"""Validate samples, glosses and splits without reading clips."""

import itertools
from collections.abc import Callable

from slr_keras.data.sample import Sample
from slr_keras.data.times import clip_length
from slr_keras.data.validation.findings import ERROR, WARNING, Finding
from slr_keras.data.vocabulary import Vocabulary

MAKE_SPLITS = (
    "extract --dev-fraction 0.1 and prepare npz --dev-fraction 0.1 choose clips for dev, "
    "--dev-signers chooses signers"
)
"""What to do where a split is not there."""

# File and line of a sample, and the sample.
Row = tuple[str, Sample]


def infeasible(sample: Sample, temporal_stride: int = 4, fps: float | None = None) -> bool:
    """Whether a clip has too few output steps for CTC to align its glosses.

    See docs/papers/stark.md §4.3.

    CTC needs one step per gloss and one more between equal neighbours. A clip shorter than the
    stride is padded to one step.

    Args:
        sample: the clip.
        temporal_stride: frames per output step.
        fps: frames per second of the model's input; None: the rate of the clip.

    >>> from slr_keras.data.sample import Sample
    >>> from slr_keras.data.validation.samples import infeasible
    >>> [infeasible(Sample("a", ("A", "A"), frames=frames)) for frames in (11, 12)]
    [True, False]
    >>> infeasible(Sample("b", ("A", "A"), frames=22, fps=60.0), fps=30.0)
    True
    """
    steps = max(1, _frames_seen(sample, fps) // temporal_stride)
    return steps < len(sample.glosses) + _repeats(sample)


def _frames_seen(sample: Sample, fps: float | None) -> int:
    """Number of frames at the rate of the contract, which clips without a stated rate have."""
    if fps is None or (sample.fps is None and sample.times is None):
        return sample.frames
    return clip_length(sample, sample.fps or fps, fps)


def _repeats(sample: Sample) -> int:
    return sum(a == b for a, b in itertools.pairwise(sample.glosses))


def check_samples(
    rows: list[Row],
    split: str,
    temporal_stride: int,
    findings: list[Finding],
    fps: float | None = None,
) -> None:
    """Report empty and one-frame clips, clips without glosses, and clips too short for CTC.

    Clips with the key `rest` are meant to have no glosses.
    """
    for where, sample in rows:
        if sample.frames == 0:
            what, advice = "the clip has no frames", "drop it"
            findings.append(Finding(ERROR, "empty-clip", sample.id, where, what, advice))
            continue
        if sample.frames == 1:
            what = "the clip has one frame"
            advice = f"check it: the frame will be repeated to fill {temporal_stride} frames"
            findings.append(Finding(WARNING, "one-frame-clip", sample.id, where, what, advice))
        if not sample.glosses:
            if sample.extra.get("rest"):
                continue
            severity = ERROR if split == "train" else WARNING
            what, advice = "the clip has no glosses", "label it or drop it"
            findings.append(Finding(severity, "no-glosses", sample.id, where, what, advice))
        elif infeasible(sample, temporal_stride, fps):
            frames = _frames_seen(sample, fps)
            at = f" at {fps:g} per second" if frames != sample.frames else ""
            what = (
                f"{frames} frames{at} give {max(1, frames // temporal_stride)} steps, "
                f"too few for {len(sample.glosses)} glosses and {_repeats(sample)} repeats"
            )
            advice = "drop it or check its glosses: training will skip it"
            findings.append(Finding(WARNING, "infeasible", sample.id, where, what, advice))


def check_glosses(
    rows: list[Row], split: str, vocabulary: Vocabulary, findings: list[Finding]
) -> None:
    """Report glosses that are not in the vocabulary, once each."""
    unknown: dict[str, list[Row]] = {}
    for where, sample in rows:
        for gloss in sample.glosses:
            if gloss not in vocabulary:
                unknown.setdefault(gloss, []).append((where, sample))
    for gloss, places in unknown.items():
        where, sample = places[0]
        what = f"gloss {gloss!r} is not in the vocabulary ({len(places)} times in {split})"
        if split == "train":
            advice = "add it to vocabulary.txt"
        else:
            advice = "no model can recognise it: add a training clip, or accept it as an error"
        severity = ERROR if split == "train" else WARNING
        findings.append(Finding(severity, "unknown-gloss", sample.id, where, what, advice))


def check_needed_splits(rows: dict[str, list[Row]], folder: str, findings: list[Finding]) -> None:
    """Report that a split which `fit` needs is not there."""
    for split in ("train", "dev"):
        if split not in rows:
            what = f"there is no {split} split, and fit needs train and dev"
            findings.append(Finding(WARNING, "missing-split", "", folder, what, MAKE_SPLITS))


def check_seen(
    rows: dict[str, list[Row]], vocabulary: Vocabulary | None, findings: list[Finding]
) -> None:
    """Report glosses of dev that are in the vocabulary but in no clip of train, once each."""
    if "train" not in rows:
        return
    seen = {gloss for _, sample in rows["train"] for gloss in sample.glosses}
    for where, sample in rows.get("dev", []):
        for gloss in sample.glosses:
            # Those outside the vocabulary are reported as such.
            if gloss not in seen and vocabulary is not None and gloss in vocabulary:
                seen.add(gloss)
                what = f"gloss {gloss!r} of dev is in no clip of train"
                advice = "no model can recognise it: move or add a clip of it to train"
                findings.append(Finding(WARNING, "unseen-gloss", sample.id, where, what, advice))


def check_rate(rows: list[Row], fps: float, file: str, findings: list[Finding]) -> None:
    """Report clips whose frame rate differs from that of the contract in `file`."""
    other = [(where, s) for where, s in rows if s.fps and abs(s.fps - fps) > 0.02 * fps]
    if other:
        where, sample = other[0]
        what = (
            f"{sample.fps:g} frames per second, but {file} states {fps:g} "
            f"({len(other)} of {len(rows)} clips)"
        )
        advice = (
            f"correct the rate if it is wrong: models read these clips at {fps:g} frames per "
            "second, with frames dropped or repeated"
        )
        findings.append(Finding(WARNING, "frame-rate", sample.id, where, what, advice))


def check_places(rows: list[Row], key: str, file: str, findings: list[Finding]) -> None:
    """Report clips without the keypoints or video that the contract in `file` describes."""
    without = [(where, s) for where, s in rows if not getattr(s, key)]
    if without:
        where, sample = without[0]
        what = f"no {key}, though there is a {file} ({len(without)} of {len(rows)} clips)"
        advice = f"add {key!r} to the lines: models of {key} cannot use these clips"
        findings.append(Finding(WARNING, f"no-{key}", sample.id, where, what, advice))


def check_ids_across(rows: dict[str, list[Row]], findings: list[Finding]) -> None:
    """Report ids that appear in two splits."""
    first: dict[str, str] = {}
    for split in rows:
        for where, sample in rows[split]:
            if sample.id in first:
                what = f"the id is also at {first[sample.id]}, in another split"
                advice = "drop one of the two, or rename it if they are different clips"
                findings.append(Finding(ERROR, "duplicate-id", sample.id, where, what, advice))
            else:
                first[sample.id] = where


def check_splits(
    rows: dict[str, list[Row]], signers: bool, sentences: bool, findings: list[Finding]
) -> None:
    """Report signers in two splits, and sentences of train in another split, as requested."""
    for one, other in itertools.combinations(rows, 2):
        if signers:
            _check_disjoint(rows, one, other, "signer", lambda sample: sample.signer, findings)
        if sentences and one == "train":
            _check_disjoint(
                rows, one, other, "sentence", lambda sample: " ".join(sample.glosses), findings
            )
    if signers:
        for where, sample in itertools.chain.from_iterable(rows.values()):
            if not sample.signer:
                what = "no signer is given, but splits must not share signers"
                advice = "add 'signer' to the line"
                findings.append(Finding(ERROR, "no-signer", sample.id, where, what, advice))


def _check_disjoint(
    rows: dict[str, list[Row]],
    one: str,
    other: str,
    what: str,
    value: Callable[[Sample], str],
    findings: list[Finding],
) -> None:
    first = {value(sample): place for place, sample in reversed(rows[one]) if value(sample)}
    reported = set()
    for where, sample in rows[other]:
        shared = value(sample)
        if shared in first and shared not in reported:
            reported.add(shared)
            text = f"{what} {shared!r} is in {other} and in {one} (at {first[shared]})"
            advice = f"move the clips: {one} and {other} must not share a {what}"
            findings.append(Finding(ERROR, f"shared-{what}", sample.id, where, text, advice))
