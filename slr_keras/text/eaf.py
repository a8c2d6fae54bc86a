"""Read documents of ELAN (EAF 2.7 to 3.0): tiers, annotations with times, media, vocabularies."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from slr_keras.text.eaf_times import Place, placed
from slr_keras.text.eaf_xml import Element, Parsed, read_xml
from slr_keras.utils.errors import UserError
from slr_keras.utils.unicode import composed

ROOT = "ANNOTATION_DOCUMENT"
_NUMBER = re.compile(r"-?[0-9]{1,15}")


@dataclass(frozen=True)
class Annotation:
    """An annotation: its value in composed letters, and its time in milliseconds, end exclusive."""

    id: str
    value: str
    start: int
    end: int


@dataclass(frozen=True)
class Tier:
    """A tier and its annotations in the order of their times."""

    name: str
    annotations: tuple[Annotation, ...]
    participant: str = ""
    parent: str = ""
    constraint: str = ""


@dataclass(frozen=True)
class Media:
    """A linked media file; `origin` is its time, in milliseconds, at time 0 of the document."""

    url: str
    relative: str
    origin: int = 0

    @property
    def name(self) -> str:
        """The file's name without its folders."""
        return re.split(r"[/\\]", unquote(self.relative or self.url))[-1]

    def candidates(self, folder: Path) -> list[Path]:
        """Where the file may be: at the relative place, beside the document, at its address."""
        found = [folder / unquote(self.relative)] if self.relative else []
        found.append(folder / self.name)
        parts = urlsplit(self.url)
        if parts.scheme == "file" and parts.netloc in ("", "localhost"):
            found.append(Path(unquote(parts.path)))
        return found


@dataclass(frozen=True)
class EafDocument:
    """A document of ELAN; `parsed` keeps all that this class does not say."""

    path: Path
    tiers: Mapping[str, Tier]
    media: tuple[Media, ...]
    parsed: Parsed

    def tier(self, name: str) -> Tier:
        """A tier by name.

        Raises:
            UserError: no such tier; lists those there are.
        """
        tier = self.tiers.get(composed(name))
        if tier is None:
            known = ", ".join(self.tiers) or "none"
            raise UserError(f"{self.path}: no tier {name!r}; its tiers are {known}")
        return tier


def read_eaf(path: str | Path) -> EafDocument:
    """Read a document.

    Time slots without values lie evenly between their neighbours of the same tier, and the parts of
    a symbolic subdivision divide their parent evenly, as ELAN shows them. An annotation without a
    value takes that of its entry in a controlled vocabulary, also in an external one beside the
    document. Nothing is read from a network.

    Raises:
        UserError: the file is no such document, or an annotation refers to something missing.
    """
    path = Path(path)
    parsed = read_xml(path, ROOT)
    root = parsed.root
    header = root.first("HEADER")
    if header is not None and header.attributes.get("TIME_UNITS", "milliseconds") != "milliseconds":
        raise UserError(f"{path}: its time units are no milliseconds; save it in ELAN again")
    entries = _entries(root, path)
    places = placed(root, path)
    constraints = {
        kind.attributes.get("LINGUISTIC_TYPE_ID", ""): kind.attributes.get("CONSTRAINTS", "")
        for kind in root.all("LINGUISTIC_TYPE")
    }
    tiers: dict[str, Tier] = {}
    for element in root.all("TIER"):
        tier = _tier(element, places, entries, constraints)
        if tier.name in tiers:
            raise UserError(f"{path}: two tiers are named {tier.name!r}")
        tiers[tier.name] = tier
    return EafDocument(path, tiers, _media(header, path), parsed)


def _tier(
    element: Element,
    places: Mapping[str, Place],
    entries: Mapping[str, str],
    constraints: Mapping[str, str],
) -> Tier:
    annotations = []
    for annotation in annotations_of(element):
        name = annotation.attributes.get("ANNOTATION_ID", "")
        value = annotation.first("ANNOTATION_VALUE")
        text = value.text if value is not None else ""
        if not text.strip():
            text = entries.get(annotation.attributes.get("CVE_REF", ""), "")
        annotations.append(Annotation(name, composed(text), *places[name]))
    annotations.sort(key=lambda annotation: (annotation.start, annotation.end))
    given = element.attributes
    return Tier(
        composed(given.get("TIER_ID", "")),
        tuple(annotations),
        composed(given.get("PARTICIPANT", "")),
        composed(given.get("PARENT_REF", "")),
        constraints.get(given.get("LINGUISTIC_TYPE_REF", ""), ""),
    )


def annotations_of(tier: Element) -> list[Element]:
    """The annotations of a tier's element, of both kinds."""
    return [
        inner
        for annotation in tier.all("ANNOTATION")
        for inner in annotation.all("ALIGNABLE_ANNOTATION", "REF_ANNOTATION")
    ]


def _media(header: Element | None, path: Path) -> tuple[Media, ...]:
    found = []
    for element in header.all("MEDIA_DESCRIPTOR") if header is not None else ():
        given = element.attributes
        origin = given.get("TIME_ORIGIN", "0").strip()
        if not _NUMBER.fullmatch(origin):
            raise UserError(f"{path}: TIME_ORIGIN {origin[:40]!r} is not a number of milliseconds")
        url, relative = given.get("MEDIA_URL", ""), given.get("RELATIVE_MEDIA_URL", "")
        found.append(Media(url, relative, int(origin)))
    return tuple(found)


def _entries(root: Element, path: Path) -> dict[str, str]:
    """Value of every entry of the controlled vocabularies, by its id; the first language counts."""
    addresses = {
        reference.attributes.get("EXT_REF_ID", ""): reference.attributes.get("VALUE", "")
        for reference in root.all("EXTERNAL_REF")
        if reference.attributes.get("TYPE") == "ecv"
    }
    vocabularies = root.all("CONTROLLED_VOCABULARY")
    for vocabulary in list(vocabularies):
        address = addresses.get(vocabulary.attributes.get("EXT_REF", ""))
        if address:
            place = Media(address, "" if "://" in address else address)
            files = (file for file in place.candidates(path.parent) if file.is_file())
            file = next(files, None)
            if file is not None:
                vocabularies += read_xml(file, "CV_RESOURCE").root.all("CONTROLLED_VOCABULARY")
    entries: dict[str, str] = {}
    for vocabulary in vocabularies:
        for entry in vocabulary.all("CV_ENTRY_ML"):
            value = entry.first("CVE_VALUE")
            if value is not None:
                entries.setdefault(entry.attributes.get("CVE_ID", ""), value.text)
    return entries
