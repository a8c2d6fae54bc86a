"""Add tiers to an ELAN document; every other byte stays."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from slr_keras.text.eaf import EafDocument, read_eaf
from slr_keras.text.eaf_xml import Element, spliced
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import atomic_write
from slr_keras.utils.unicode import composed

_ORDER = (
    ("LICENSE", "HEADER", "TIME_ORDER"),
    ("TIER",),
    ("LINGUISTIC_TYPE",),
    ("LOCALE", "LANGUAGE", "CONSTRAINT"),
)
Piece = tuple[int, int, str]
"""Start and end of bytes to replace, and the text."""

_ASSOCIATION = "Symbolic_Association"
# What XML 1.0 cannot hold.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Sign:
    """An annotation to write: value, start and end in milliseconds, confidence from 0 to 1."""

    value: str
    start: int
    end: int
    confidence: float


def add_predictions(
    path: str | Path,
    signs: Sequence[Sign],
    tier: str,
    to: str | Path | None = None,
    participant: str = "",
) -> None:
    """Add a tier of signs, and a tier TIER_confidence that depends on it, to a document.

    Ids begin with `slr-`, so that they
    never meet those that ELAN gives.

    Args:
        path: the document.
        signs: in order of their times, none within another.
        tier: name of the new tier.
        to: file to write; None: `path` itself.
        participant: of both tiers.

    Raises:
        UserError: the document cannot be read or is not UTF-8, or has such a tier already.
    """
    document = read_eaf(path)
    data = with_predictions(document, signs, tier, participant)
    with atomic_write(path if to is None else to, "wb") as file:
        file.write(data)


def with_predictions(
    document: EafDocument, signs: Sequence[Sign], tier: str, participant: str = ""
) -> bytes:
    """The bytes of a document with two further tiers; see `add_predictions`."""
    tier = composed(tier)
    names = tier, f"{tier}_confidence"
    if not tier.strip() or _ILLEGAL.search(tier + participant):
        raise UserError(f"tier {tier!r}: a tier needs a name of letters that XML can hold")
    for name in names:
        if name in document.tiers:
            raise UserError(
                f"{document.path}: has a tier {name!r} already; give the new tier another name"
            )
    root = document.parsed.root
    if root.inner_end is None or root.first("TIME_ORDER") is None:
        raise UserError(f"{document.path}: has no TIME_ORDER; save it in ELAN again")
    ids = _Ids(root)
    slots = [(ids.fresh("slr-ts"), ids.fresh("slr-ts")) for _ in signs]
    types = tuple(ids.fresh(f"slr-{kind}") for kind in ("gloss", "confidence"))
    pieces = _slot_pieces(root, signs, slots)
    tiers = _tiers(signs, slots, names, types, participant, ids)
    pieces += [_insertion(_place(root, 1), tiers), _insertion(_place(root, 2), _types(types))]
    stereotypes = {c.attributes.get("STEREOTYPE") for c in root.all("CONSTRAINT")}
    if _ASSOCIATION not in stereotypes:
        text = _tag(
            "CONSTRAINT",
            DESCRIPTION="1-1 association with a parent annotation",
            STEREOTYPE=_ASSOCIATION,
        )
        pieces.append(_insertion(_place(root, 3), text))
    return spliced(document.parsed, pieces, str(document.path))


class _Ids:
    """Ids that a document does not have."""

    def __init__(self, root: Element):
        self._taken: set[str] = set()
        waiting = [root]
        while waiting:
            element = waiting.pop()
            self._taken.update(element.attributes.values())
            waiting += element.children
        self._count = 0

    def fresh(self, prefix: str) -> str:
        while True:
            self._count += 1
            name = f"{prefix}{self._count}"
            if name not in self._taken:
                return name


def _slot_pieces(
    root: Element, signs: Sequence[Sign], slots: Sequence[tuple[str, str]]
) -> list[Piece]:
    """New time slots, each before the first slot of a later time."""
    order = root.first("TIME_ORDER")
    assert order is not None
    new = sorted(
        (time, _tag("TIME_SLOT", TIME_SLOT_ID=name, TIME_VALUE=str(time)))
        for sign, ends in zip(signs, slots, strict=True)
        for time, name in zip((sign.start, sign.end), ends, strict=True)
    )
    if order.inner_end is None:
        inside = "".join(text for _, text in new)
        return [(order.end - 2, order.end, f">{inside}</TIME_ORDER>")]
    aligned = [slot for slot in order.all("TIME_SLOT") if "TIME_VALUE" in slot.attributes]
    latest = list(accumulate((int(slot.attributes["TIME_VALUE"]) for slot in aligned), max))
    places = [*(slot.start for slot in aligned), order.inner_end]
    return [_insertion(places[bisect_right(latest, time)], text) for time, text in new]


def _tiers(
    signs: Sequence[Sign],
    slots: Sequence[tuple[str, str]],
    names: tuple[str, str],
    types: tuple[str, str],
    participant: str,
    ids: _Ids,
) -> str:
    """The elements of both tiers."""
    owner = {"PARTICIPANT": participant} if participant else {}
    parent = {"PARENT_REF": names[0]}
    own, dependent = [], []
    for sign, (first, last) in zip(signs, slots, strict=True):
        name = ids.fresh("slr-a")
        place = {"ANNOTATION_ID": name, "TIME_SLOT_REF1": first, "TIME_SLOT_REF2": last}
        own.append(_annotation("ALIGNABLE_ANNOTATION", sign.value, **place))
        its = {"ANNOTATION_ID": ids.fresh("slr-a"), "ANNOTATION_REF": name}
        dependent.append(_annotation("REF_ANNOTATION", f"{sign.confidence:.4f}", **its))
    tiers = []
    for name, kind, link, inside in zip(names, types, ({}, parent), (own, dependent), strict=True):
        given = {"LINGUISTIC_TYPE_REF": kind, **link, **owner, "TIER_ID": name}
        tiers.append(_tag("TIER", "".join(inside), **given))
    return "".join(tiers)


def _types(types: tuple[str, str]) -> str:
    plain = {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": types[0]}
    dependent = {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": types[1]}
    return _tag("LINGUISTIC_TYPE", **plain, TIME_ALIGNABLE="true") + _tag(
        "LINGUISTIC_TYPE", CONSTRAINTS=_ASSOCIATION, **dependent, TIME_ALIGNABLE="false"
    )


def _place(root: Element, level: int) -> int:
    """Where elements of a level of the schema's order are added: behind the last before them."""
    tags = {tag for tags in _ORDER[: level + 1] for tag in tags}
    return max(child.end for child in root.children if child.tag in tags)


def _insertion(place: int, text: str) -> Piece:
    return place, place, text


def _annotation(kind: str, value: str, **attributes: str) -> str:
    legal = _ILLEGAL.sub("", " ".join(value.split()))
    inside = f"<ANNOTATION_VALUE>{escape(legal)}</ANNOTATION_VALUE>"
    return _tag("ANNOTATION", _tag(kind, inside, **attributes))


def _tag(name: str, inside: str = "", **attributes: str) -> str:
    given = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{name}{given}>{inside}</{name}>" if inside else f"<{name}{given}/>"
