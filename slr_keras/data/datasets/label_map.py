"""Read a file that merges classes: several glosses of one sign are common in WLASL."""

from collections.abc import Sequence
from pathlib import Path

from slr_keras.data.datasets.base import Option, one_word
from slr_keras.text.tables import is_separator_line, read_records, whole_number
from slr_keras.text.transcript import read_lines
from slr_keras.utils.errors import UserError
from slr_keras.utils.suggestions import nearest
from slr_keras.utils.unicode import composed

LABEL_MAP = Option(
    "label_map",
    "",
    "file that joins classes: a line is two glosses, or two class numbers, with a tab or comma "
    "between them; the first becomes the second",
)


def read_label_map(path: str | Path, glosses: Sequence[str]) -> dict[str, str]:
    """Read which gloss each gloss is mapped to.

    Args:
        path: lines "from<TAB>to" or "from,to"; empty ones and those that begin with "#" are
            skipped. A class is a gloss or, where no gloss is written so, its number from 0.
        glosses: in the order of the classes.

    Returns:
        gloss → gloss after merging, for all glosses.

    >>> import pathlib, tempfile
    >>> from slr_keras.data.datasets.label_map import read_label_map
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "map.txt")
    ...     _ = path.write_text("sofa,couch\\n2,1\\n")
    ...     read_label_map(path, ("couch", "clothes", "dress", "sofa"))
    {'couch': 'couch', 'clothes': 'clothes', 'dress': 'clothes', 'sofa': 'couch'}

    Raises:
        UserError: a line of another form, an unknown or twice mapped gloss, or glosses that become
            each other; names file and line.
    """
    becomes: dict[str, str] = {}
    lines: dict[str, int] = {}
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        where = f"{path}:{number}"
        # Lines may differ in their separator.
        fields = [] if is_separator_line(line) else next(read_records(path, [line]), (0, []))[1]
        if not fields:
            continue
        if len(fields) != 2:
            raise UserError(f"{where}: {line!r} is not two classes with a tab or comma between")
        first, second = (_class(field.strip(), glosses, where) for field in fields)
        if becomes.get(first, second) != second:
            raise UserError(
                f"{where}: {first!r} already becomes {becomes[first]!r} on line {lines[first]}"
            )
        if first != second:
            becomes[first], lines[first] = second, number
    return {gloss: _end(gloss, becomes, lines, path) for gloss in glosses}


def joined(glosses: Sequence[str], becomes: dict[str, str]) -> tuple[str, ...]:
    """The classes after merging, in their old order."""
    return tuple(gloss for gloss in glosses if becomes[gloss] == gloss)


def _class(text: str, glosses: Sequence[str], where: str) -> str:
    gloss = one_word(composed(text))
    if gloss in glosses:
        return gloss
    number = whole_number(text)
    if number is not None and number < len(glosses):
        return glosses[number]
    raise UserError(f"{where}: there is no class {text!r}{nearest(gloss, glosses)}")


def _end(gloss: str, becomes: dict[str, str], lines: dict[str, int], path: str | Path) -> str:
    passed = [gloss]
    while passed[-1] in becomes:
        passed.append(becomes[passed[-1]])
        if passed[-1] in passed[:-1]:
            raise UserError(
                f"{path}:{lines[gloss]}: {' becomes '.join(map(repr, passed))}; remove one line"
            )
    return passed[-1]
