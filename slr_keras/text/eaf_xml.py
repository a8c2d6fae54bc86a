"""Parse XML of ELAN with the place of every element, and insert text without other changes.

A document is never written anew: text is inserted into its bytes, so that comments, order,
indentation, entities and unknown elements stay as they are. Document type declarations are
refused, and with them entities that expand or name files.
"""

import codecs
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from slr_keras.utils.errors import UserError
from slr_keras.utils.files import guarded
from slr_keras.utils.limits import Limit, require_file

#: Bytes of one document: hours of dense annotation take a tenth of it.
SIZE = Limit("SLR_KERAS_MAX_EAF_BYTES", 2**26, "bytes of an ELAN document")
#: Elements within one another; a document of ELAN has fewer than ten.
DEEPEST = 64
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass
class Element:
    """An element and its bytes.

    Attributes:
        tag, attributes: as written, with namespace prefixes.
        start, end: bytes of the element in the document.
        inner_end: where its content ends; None for an element `<TAG/>`.
        text: character data directly in the element.
        children: elements directly in it.
    """

    tag: str
    attributes: Mapping[str, str]
    start: int
    end: int = 0
    inner_end: int | None = None
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def all(self, *tags: str) -> list["Element"]:
        """The children of these names."""
        return [child for child in self.children if child.tag in tags]

    def first(self, tag: str) -> "Element | None":
        """The first child of a name."""
        return next(iter(self.all(tag)), None)


@dataclass(frozen=True)
class Parsed:
    """A document: its bytes, its root, and the encoding that it declares ("" if none)."""

    data: bytes
    root: Element
    encoding: str = ""


def read_xml(path: str | Path, root: str) -> Parsed:
    """Read a document of ELAN.

    Args:
        path: the file.
        root: tag of its outermost element.

    Raises:
        UserError: the file cannot be read, is too large, no XML, has a document type declaration,
            elements nested too deeply, or another root.
    """
    require_file(path)
    with guarded(path, "not a document of ELAN"):
        SIZE.require(Path(path).stat().st_size, path)
        parsed = parse_xml(Path(path).read_bytes(), str(path))
    if parsed.root.tag != root:
        raise UserError(f"{path}: its root is <{parsed.root.tag[:60]}>, not <{root}>")
    return parsed


def parse_xml(data: bytes, where: str = "document") -> Parsed:
    """Parse a document.

    >>> from slr_keras.text.eaf_xml import parse_xml
    >>> parsed = parse_xml(b"<A><B x='1'/>text</A>")
    >>> [(child.tag, child.start, child.end) for child in parsed.root.children]
    [('B', 3, 13)]

    Raises:
        UserError: no XML, a document type declaration, or elements nested too deeply; names the
            line.
    """
    builder = _Builder(data, where)
    try:
        builder.parser.Parse(data, True)
    except expat.ExpatError as error:
        raise UserError(f"{where}:{error.lineno}: not valid XML ({error})") from error
    assert builder.root is not None
    return Parsed(data, builder.root, builder.encoding)


class _Builder:
    def __init__(self, data: bytes, where: str):
        self.data, self.where = data, where
        self.root: Element | None = None
        self.encoding = ""
        self._open: list[Element] = []
        self.parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._finish
        parser.CharacterDataHandler = self._add
        parser.XmlDeclHandler = self._declared
        parser.StartDoctypeDeclHandler = self._refuse

    def _declared(self, version: str, encoding: str | None, standalone: int) -> None:
        self.encoding = encoding or ""

    def _refuse(self, *_: object) -> None:
        raise UserError(
            f"{self.where}:{self.parser.CurrentLineNumber}: a document type declaration is not "
            "read, as it may expand or name files; remove it"
        )

    def _begin(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= DEEPEST:
            line = self.parser.CurrentLineNumber
            raise UserError(f"{self.where}:{line}: more than {DEEPEST} elements in one another")
        element = Element(tag, attributes, self.parser.CurrentByteIndex)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def _add(self, text: str) -> None:
        self._open[-1].text += text

    def _finish(self, tag: str) -> None:
        element, place = self._open.pop(), self.parser.CurrentByteIndex
        hollow = not element.text and not element.children
        if hollow and self.data[place - 2 : place] == b"/>":
            element.end = place
        else:
            element.inner_end = place
            element.end = self.data.find(b">", place) + 1


def spliced(
    parsed: Parsed, pieces: Iterable[tuple[int, int, str]], where: str = "document"
) -> bytes:
    """The bytes of a document with text in place of others.

    Args:
        parsed: the document.
        pieces: start and end of the bytes to replace, none for an insertion, and the text; pieces
            of one place stay in their order.
        where: file, for messages.

    >>> from slr_keras.text.eaf_xml import parse_xml, spliced
    >>> spliced(parse_xml(b"<A><!-- kept --></A>"), [(3, 3, "<B/>")])
    b'<A><B/><!-- kept --></A>'

    Raises:
        UserError: the document is not UTF-8.
    """
    encoding = parsed.encoding.lower()
    if encoding not in ("", "utf-8", "us-ascii") or parsed.data[:2] in _UTF16:
        raise UserError(
            f"{where}: its encoding is {parsed.encoding or 'UTF-16'}; save it in ELAN as UTF-8"
        )
    parts, last = [], 0
    for start, end, text in sorted(pieces, key=lambda piece: piece[0]):
        # Character references hold other letters in ASCII.
        encoded = text.encode("ascii" if encoding == "us-ascii" else "utf-8", "xmlcharrefreplace")
        parts += [parsed.data[last:start], encoded]
        last = end
    return b"".join([*parts, parsed.data[last:]])
