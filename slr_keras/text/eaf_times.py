"""Times of the annotations of an ELAN document, also of those without time slots of their own."""

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from slr_keras.text.eaf_xml import Element
from slr_keras.utils.errors import UserError

Place = tuple[int, int]
"""Start and end in milliseconds."""

_TIME = re.compile(r"[0-9]{1,15}")
_ALIGNABLE, _REFERRING = "ALIGNABLE_ANNOTATION", "REF_ANNOTATION"


def placed(root: Element, path: Path) -> dict[str, Place]:
    """Start and end of every annotation, by its id.

    Raises:
        UserError: an annotation refers to a time slot or an annotation that is missing, ids come
            twice, annotations refer to one another in a circle, or one ends before it starts.
    """
    slots = _slots(root, path)
    places: dict[str, Place] = {}
    referring: dict[str, list[Element]] = defaultdict(list)
    for tier in root.all("TIER"):
        inner = [i for a in tier.all("ANNOTATION") for i in a.all(_ALIGNABLE, _REFERRING)]
        alignable = [annotation for annotation in inner if annotation.tag == _ALIGNABLE]
        times = _interpolated(alignable, slots, f"{path}: tier {tier.attributes.get('TIER_ID')!r}")
        for annotation in alignable:
            start, end = (times[slot] for slot in _ends(annotation))
            if end < start:
                name = annotation.attributes.get("ANNOTATION_ID")
                raise UserError(f"{path}: annotation {name!r} ends at {end} ms, before its start")
            _put(places, annotation, (start, end), path)
        # Parts of one tier divide their parent; each tier does so by itself.
        by_parent: dict[str, list[Element]] = defaultdict(list)
        for annotation in inner:
            if annotation.tag == _REFERRING:
                by_parent[annotation.attributes.get("ANNOTATION_REF", "")].append(annotation)
        for parent, parts in by_parent.items():
            referring[parent].append(Element("", {}, 0, children=_in_order(parts, path)))
    _place_parts(places, referring, path)
    return places


def _place_parts(
    places: dict[str, Place], referring: Mapping[str, list[Element]], path: Path
) -> None:
    waiting, left = list(places), dict(referring)
    while waiting:
        parent = waiting.pop()
        start, end = places[parent]
        for group in left.pop(parent, ()):
            count = len(group.children)
            for number, part in enumerate(group.children):
                bounds = [start + (end - start) * n // count for n in (number, number + 1)]
                _put(places, part, (bounds[0], bounds[1]), path)
                waiting.append(part.attributes["ANNOTATION_ID"])
    if left:
        raise UserError(
            f"{path}: annotations refer to {next(iter(left))!r}, which is missing or refers to them"
        )


def _put(places: dict[str, Place], annotation: Element, place: Place, path: Path) -> None:
    name = annotation.attributes.get("ANNOTATION_ID", "")
    if not name or name in places:
        raise UserError(f"{path}: two annotations have the id {name!r}, or one has none")
    places[name] = place


def _slots(root: Element, path: Path) -> dict[str, int | None]:
    order = root.first("TIME_ORDER")
    slots: dict[str, int | None] = {}
    for slot in order.all("TIME_SLOT") if order is not None else ():
        name, value = slot.attributes.get("TIME_SLOT_ID", ""), slot.attributes.get("TIME_VALUE")
        if name in slots:
            raise UserError(f"{path}: two time slots have the id {name!r}")
        if value is not None and not _TIME.fullmatch(value):
            raise UserError(f"{path}: time slot {name!r}: {value[:40]!r} is not milliseconds")
        slots[name] = None if value is None else int(value)
    return slots


def _ends(annotation: Element) -> tuple[str, str]:
    given = annotation.attributes
    return given.get("TIME_SLOT_REF1", ""), given.get("TIME_SLOT_REF2", "")


def _interpolated(
    annotations: list[Element], slots: Mapping[str, int | None], where: str
) -> dict[str, int]:
    """Times of a tier's slots; those without a value lie evenly between aligned ones of a chain."""
    following: dict[str, str] = {}
    times: dict[str, int] = {}
    for annotation in annotations:
        for slot in _ends(annotation):
            if slot not in slots:
                raise UserError(f"{where}: no time slot {slot!r}")
            value = slots[slot]
            if value is not None:
                times[slot] = value
        first, last = _ends(annotation)
        following[first] = last
    for begin in [slot for slot in following if slot in times]:
        chain = [begin]
        while chain[-1] in following and (len(chain) == 1 or chain[-1] not in times):
            chain.append(following[chain[-1]])
            if len(chain) > len(following) + 1:
                raise UserError(f"{where}: its time slots go round in a circle")
        if chain[-1] in times:
            start, end, count = times[begin], times[chain[-1]], len(chain) - 1
            for number, slot in enumerate(chain[1:-1], start=1):
                times[slot] = start + (end - start) * number // count
    for slot in {slot for annotation in annotations for slot in _ends(annotation)} - set(times):
        raise UserError(f"{where}: time slot {slot!r} has no value, and no aligned slots around it")
    return times


def _in_order(parts: list[Element], path: Path) -> list[Element]:
    """The parts of one parent in the order of PREVIOUS_ANNOTATION."""
    after: dict[str, list[Element]] = defaultdict(list)
    names = {part.attributes.get("ANNOTATION_ID") for part in parts}
    for part in parts:
        previous = part.attributes.get("PREVIOUS_ANNOTATION", "")
        after[previous if previous in names else ""].append(part)
    ordered: list[Element] = []
    waiting = after[""][::-1]
    while waiting:
        ordered.append(waiting.pop())
        name = ordered[-1].attributes.get("ANNOTATION_ID", "")
        # An id that is missing would find the first parts again.
        waiting += after[name][::-1] if name else []
    if len(ordered) != len(parts):
        raise UserError(f"{path}: PREVIOUS_ANNOTATION of {parts[0].attributes} goes in a circle")
    return ordered
