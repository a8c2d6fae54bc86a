"""Validate the keypoints of each clip."""

import hashlib
from collections import Counter
from pathlib import Path

import numpy as np

from slr_keras.data import keypoints
from slr_keras.data.arrays import read_clip
from slr_keras.data.contract import KeypointContract
from slr_keras.data.sample import Sample
from slr_keras.data.skeleton import Skeleton
from slr_keras.data.validation.findings import ERROR, WARNING, Finding
from slr_keras.utils.errors import UserError

# Limits in image coordinates, where the picture is [-1, 1]: the distance of most points from the
# centre, and the extent of all points.
_FAR = 3.0
_CRAMPED = 0.02
# Fraction of the frames of a split in which a hand or the face may be missing.
_OFTEN = 0.5


def _parts(contract: KeypointContract) -> dict[str, list[int]]:
    """Points of the hands and the face that the model reads, by the part's name."""
    hands = Skeleton.of(contract).hands
    # A wrist belongs to the arm, too, unless it is all there is of the hand.
    parts = {f"{side} hand": list(hand.fingers or (hand.wrist,)) for side, hand in hands.items()}
    face = [row for row, name in enumerate(contract.points) if name.startswith("face")]
    return parts | ({"face": face} if face else {})


class ClipChecker:
    """Checks clips one after another, and keeps the state that checks across clips need.

    Attributes:
        non_finite: split → number of points with NaN or infinite values that are not marked as
            missing.
    """

    def __init__(self, folder: Path, contract: KeypointContract, findings: list[Finding]):
        self.non_finite: Counter[str] = Counter()
        self._folder = folder
        self._contract = contract
        self._findings = findings
        self._open_files: dict[Path, np.ndarray] = {}
        self._missing: Counter[str] = Counter()
        self._points: Counter[str] = Counter()
        self._first: dict[bytes, tuple[str, str, str]] = {}
        self._parts = _parts(contract)
        self._frames: Counter[str] = Counter()
        self._without: Counter[tuple[str, str]] = Counter()

    def missing_share(self, split: str) -> float:
        """Fraction of the model's points in a split that are missing, 0 to 1."""
        return self._missing[split] / self._points[split] if self._points[split] else 0.0

    def report_parts(self, split: str) -> None:
        """Report hands and face that most frames of a split lack, once its clips are checked."""
        for part in self._parts:
            share = self._without[split, part] / max(self._frames[split], 1)
            if share > _OFTEN:
                where = str(self._folder / f"{split}.jsonl")
                what = f"the {part} was not found in {100 * share:.0f} % of the frames of {split}"
                advice = "check the recordings: a model learns little of what is not seen"
                self._findings.append(Finding(WARNING, "unseen-part", "", where, what, advice))

    def check(self, split: str, where: str, sample: Sample) -> None:
        """Read a clip and add its problems to the findings."""

        def find(severity: str, kind: str, what: str, advice: str) -> None:
            self._findings.append(Finding(severity, kind, sample.id, where, what, advice))

        try:
            raw = read_clip(sample, self._folder, self._contract.source, self._open_files)
        except UserError as error:
            find(ERROR, "keypoints", str(error), "restore the file or drop the clip")
            return
        if not len(raw):
            return
        selected = self._contract.select(raw)
        missing = self._contract.missing(selected)
        self._missing[split] += int(missing.sum())
        self._points[split] += missing.size
        unsound = self._unsound(raw)
        if unsound.any():
            self.non_finite[split] += int(unsound.sum())
            frame, point = (int(index) for index in np.argwhere(unsound)[0])
            name = self._contract.source.points[point]
            what = (
                f"{int(unsound.sum())} points are not finite, the first in frame {frame}, {name!r}"
            )
            find(WARNING, "non-finite", what, "correct them: these points count as missing")
        if missing.all():
            find(ERROR, "nothing-seen", "all points are missing in all frames", "drop the clip")
            return
        self._frames[split] += len(missing)
        for part, points in self._parts.items():
            self._without[split, part] += int(missing[:, points].all(1).sum())
        self._check_units(selected, missing, find)
        self._check_copies(split, where, sample, raw, find)

    def _unsound(self, raw: np.ndarray) -> np.ndarray:
        """(frames, points) booleans: not finite, and not marked as missing."""
        score = "score" in self._contract.source.channels
        coordinates = raw[..., :-1] if score else raw
        marked = np.isnan(coordinates[..., :2]).all(-1)
        if score:
            # Comparisons with NaN are false, so a score of NaN also marks a missing point.
            marked &= ~(raw[..., -1] >= max(self._contract.score_threshold, 1e-9))
        return ~(np.abs(raw) < keypoints.LARGEST).all(-1) & ~marked

    def _check_units(self, selected: np.ndarray, missing: np.ndarray, find) -> None:
        if self._contract.normalisation != "image":
            return
        # A few frames suffice to check the units.
        few = slice(None, None, max(1, len(selected) // 16))
        selected, missing = selected[few], missing[few]
        seen = self._contract.normalise(np.where(missing[..., None], 0, selected))[~missing][:, :2]
        if not len(seen):
            return
        width, height = self._contract.image_size
        image = f"an image of {width:g} x {height:g}"
        advice = "correct image_size or the coordinates' units"
        if np.median(np.abs(seen).max(-1)) > _FAR:
            find(WARNING, "units", f"most points lie far outside {image}", advice)
        elif len(seen) > 3 and max(np.ptp(seen, axis=0)) < _CRAMPED:
            find(WARNING, "units", f"all points lie in one spot of {image}", advice)

    def _check_copies(self, split: str, where: str, sample: Sample, raw: np.ndarray, find) -> None:
        digest = hashlib.blake2b(np.ascontiguousarray(raw).data, digest_size=16).digest()
        if digest not in self._first:
            self._first[digest] = (split, where, sample.id)
            return
        first_split, first_where, first_id = self._first[digest]
        what = f"the same keypoints as sample {first_id!r} at {first_where}"
        if first_split == split:
            find(WARNING, "copy", what, "drop one of the two")
        else:
            find(ERROR, "leak", what, f"drop one: {first_split} and {split} must not share clips")
