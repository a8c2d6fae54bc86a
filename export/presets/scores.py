"""Scores of the card of a preset, from files of predictions."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from export.presets.facts import ScoreRow
from slr_keras.data.manifest import read_manifest
from slr_keras.metrics import sentence_counts
from slr_keras.metrics.rates import rate
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import guarded, read_text


@dataclass(frozen=True)
class CardScore:
    """A line of the table of scores.

    Attributes:
        system, clips: of the row, with the value of its group.
        value, low, high: accuracy of single signs or word error rate in percent, and its 95 %
            bootstrap interval over clips.
        count: number of clips.
    """

    system: str
    clips: str
    value: float
    low: float
    high: float
    count: int


def score_rows(rows: Sequence[ScoreRow], accuracy: bool) -> list[CardScore]:
    """Score the predictions of each row, and of each group of a row.

    Args:
        rows: of the facts.
        accuracy: whether clips are single signs.

    Raises:
        UserError: a file is missing or holds no predictions, or no clip fits the row.
    """
    scores: list[CardScore] = []
    for row in rows:
        records = [record for path in row.predictions for record in _records(Path(path))]
        if row.manifest:
            known = _ids(Path(row.manifest))
            records = [record for record in records if record["id"] in known]
        if not records:
            raise UserError(f"{', '.join(row.predictions)}: no clip of {row.manifest or 'a file'}")
        scores.append(_score(row.system, row.clips, records, accuracy))
        if row.by:
            groups: dict[str, list[dict]] = {}
            for record in records:
                found = re.search(row.by, record["id"])
                groups.setdefault(found[1] if found else "other", []).append(record)
            scores += [
                _score(row.system, f"{row.clips}: {group}", groups[group], accuracy)
                for group in sorted(groups)
            ]
    return scores


def _ids(manifest: Path) -> set[str]:
    """Ids of the clips of a manifest, as they are and as `prepare merge` may have written them."""
    ids = [sample.id for sample in read_manifest(manifest)]
    return {*ids, *(f"{manifest.parent.name}/{id}" for id in ids)}


def _records(path: Path) -> list[dict]:
    with guarded(path, "no file of predictions"):
        records = [json.loads(line) for line in read_text(path).splitlines()]
        return [
            {"id": r["id"], "reference": r["reference"], "hypothesis": r["hypothesis"]}
            for r in records
        ]


def _score(system: str, clips: str, records: Sequence[dict], accuracy: bool) -> CardScore:
    references = [record["reference"] for record in records]
    counts = sentence_counts(references, [record["hypothesis"] for record in records])
    words = [len(reference) for reference in references]
    estimate = rate([count.errors for count in counts], words, accuracy)
    return CardScore(system, clips, estimate.value, estimate.low, estimate.high, len(records))
