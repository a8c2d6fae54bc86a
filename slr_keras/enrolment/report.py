"""Enrolled signs as a table and as JSON, and what is wrong with them in words."""

from pathlib import Path
from typing import Any

import numpy as np

from slr_keras.enrolment.enrolment import Enrolment
from slr_keras.enrolment.quality import alike_signs, outliers
from slr_keras.enrolment.threshold import ACCEPT, alikeness


def facts(enrolment: Enrolment, accept: float = ACCEPT) -> dict[str, Any]:
    """The signs as JSON values.

    Args:
        enrolment: the signs.
        accept: false-accept rate of the threshold.
    """
    nearest = _nearest(enrolment)
    return {
        "encoder": enrolment.encoder.name,
        "accept": accept,
        "threshold": round(enrolment.impostors.threshold(accept), 6),
        "signs": [
            {
                "name": name,
                "recordings": [enrolment.examples[row].source for row in enrolment.rows(sign)],
                "spread": enrolment.spread(sign),
                "nearest": nearest[sign][0],
                "cosine": nearest[sign][1],
            }
            for sign, name in enumerate(enrolment.signs)
        ],
        "too_alike": [[pair.one, pair.other] for pair in alike_signs(enrolment)],
        "outliers": [outlier.source for outlier in outliers(enrolment)],
    }


def table(enrolment: Enrolment, path: str | Path, accept: float = ACCEPT) -> str:
    """A line for each sign, and what is refused."""
    rows = [("sign", "recordings", "spread", "nearest sign")]
    nearest = _nearest(enrolment)
    for sign, name in enumerate(enrolment.signs):
        spread = enrolment.spread(sign)
        other, cosine = nearest[sign]
        rows.append(
            (
                name,
                str(len(enrolment.rows(sign))),
                "-" if spread is None else f"{spread:.2f}",
                "-" if other is None else f"{other} ({cosine:.2f})",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join([*(text.ljust(width) for text, width in zip(row, widths)), row[3]]).rstrip()
        for row in rows
    ]
    counts = (
        f"{_count(len(enrolment.signs), 'sign')}, {_count(len(enrolment.examples), 'recording')}"
    )
    threshold = enrolment.impostors.threshold(accept)
    lines += [
        "",
        f"{path}: {counts}; with --accept {accept:g}, clips that score below {threshold:.2f} are "
        "unknown",
    ]
    return "\n".join(lines)


def warnings(enrolment: Enrolment) -> list[str]:
    """Signs that are too alike, recordings that are outliers, and signs of a single recording."""
    alone = [name for sign, name in enumerate(enrolment.signs) if len(enrolment.rows(sign)) == 1]
    texts = [str(one) for one in (*alike_signs(enrolment), *outliers(enrolment))]
    if alone:
        listed = ", ".join(alone[:5]) + ", ..." * (len(alone) > 5)
        texts.append(f"one recording alone of {listed}; three are much more reliable")
    return texts


def _nearest(enrolment: Enrolment) -> list[tuple[str | None, float | None]]:
    """The nearest other sign of each sign, and the cosine of their prototypes."""
    cosines = alikeness(enrolment.gallery())
    np.fill_diagonal(cosines, -2.0)
    if len(cosines) < 2:
        return [(None, None)] * len(cosines)
    return [(enrolment.signs[row.argmax()], round(float(row.max()), 6)) for row in cosines]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
