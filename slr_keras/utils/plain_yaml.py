"""Read YAML of plain data within limits of size, depth and expanded aliases.

The cost of every step is bounded by the limits: the length of the text bounds the scanner, the
depth bounds recursion, and the number of values after the expansion of aliases and merge keys
bounds whatever walks the result.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import yaml

from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_text

#: Characters of a file; the longest recipe of the project has 2,500.
LONGEST_TEXT = 128 << 10
DEEPEST = 40
#: Keys, values and items of a file with all aliases expanded.
MOST_VALUES = 20_000
LONGEST_NUMBER = 60
LARGEST_WHOLE = 2**63 - 1

_TAG = "tag:yaml.org,2002:"


class _PlainLoader(yaml.SafeLoader):
    """Constructs null, true and false, numbers, texts, lists and mappings; refuses other tags."""

    yaml_constructors: ClassVar[dict] = {}


def half_character(text: str) -> bool:
    """Whether a text holds a surrogate that stands for no byte of a file name.

    Python reads a file name that is not UTF-8 with the surrogates U+DC80 to U+DCFF.
    """
    return any(
        "\ud800" <= character <= "\udfff" and not "\udc80" <= character <= "\udcff"
        for character in text
    )


def read_plain_yaml(path: str | Path) -> tuple[yaml.Node | None, Any]:
    """Read a YAML file of plain data; see `parse_yaml`.

    Raises:
        UserError: the file cannot be read, is no regular file, or is not YAML within the limits.
    """
    file = Path(path)
    if file.exists() and not (file.is_file() or file.is_dir()):
        raise UserError(f"{path}: is no file; give a YAML file")
    # At most four bytes are a character.
    if file.is_file() and file.stat().st_size > 4 * LONGEST_TEXT:
        _refuse_length(path, f"{file.stat().st_size:,} bytes")
    return parse_yaml(read_text(path), path)


def parse_yaml(text: str, source: str | Path) -> tuple[yaml.Node | None, Any]:
    """Parse a YAML document of plain data.

    A date that is not quoted is a text, as written.

    Args:
        text: the document.
        source: name of the file or option, for errors.

    Returns:
        The root node, whose marks give the lines, and the value; both are None for an empty text.

    Raises:
        UserError: the text is not YAML, or needs more than plain data within the limits; names the
            line.

    >>> from slr_keras.utils.plain_yaml import parse_yaml
    >>> parse_yaml("since: 2001-99-99", "facts.yaml")[1]
    {'since': '2001-99-99'}
    >>> parse_yaml("seed: !!int abc", "recipe.yaml")
    Traceback (most recent call last):
    slr_keras.utils.errors.UserError: recipe.yaml:1: not valid YAML ('abc' is not a whole number)
    """
    if len(text) > LONGEST_TEXT:
        _refuse_length(source, f"{len(text):,} characters")
    try:
        _check_depth(text)
        root = yaml.compose(text, Loader=_PlainLoader)
        if root is None:
            return None, None
        _check_size(root, {}, set())
        return root, _value(root)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable"
        raise UserError(f"{source}{line}: not valid YAML ({problem})") from error


def _refuse_length(source: str | Path, length: str) -> NoReturn:
    raise UserError(
        f"{source}: not a YAML file of options (it has {length}, more than the limit of "
        f"{LONGEST_TEXT:,} characters)"
    )


def _value(root: yaml.Node) -> Any:
    loader = _PlainLoader("")
    mappings = list(_mappings(root))
    try:
        return loader.construct_document(root)
    finally:
        loader.dispose()
        # The constructor replaces merge keys by what they merge.
        for node, pairs in mappings:
            node.value = pairs


def _mappings(node: yaml.Node) -> Iterator[tuple[yaml.MappingNode, list]]:
    """The mappings of a document with their pairs of keys and values, as written."""
    if isinstance(node, yaml.MappingNode):
        yield node, list(node.value)
    if isinstance(node, yaml.CollectionNode):
        for item in node.value:
            for child in item if isinstance(item, tuple) else (item,):
                yield from _mappings(child)


def _check_depth(text: str) -> None:
    """Refuse deep nesting and many values by the parser's events, which need no recursion."""
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=_PlainLoader)):
        if number > 2 * MOST_VALUES:
            _refuse(f"more than {MOST_VALUES:,} values", event)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                _refuse(f"more than {DEEPEST} levels inside each other", event)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _check_size(node: yaml.Node, sizes: dict[int, int], open_nodes: set[int]) -> int:
    """Number of values of a node with its aliases expanded; each node is counted once."""
    if not isinstance(node, yaml.CollectionNode):
        return 1
    key = id(node)
    if key in open_nodes:
        _refuse("a value contains itself through an alias", node)
    if key not in sizes:
        open_nodes.add(key)
        total = 1
        for item in node.value:
            for child in item if isinstance(item, tuple) else (item,):
                total += _check_size(child, sizes, open_nodes)
            if total > MOST_VALUES:
                _refuse(f"more than {MOST_VALUES:,} values once its aliases are expanded", node)
        open_nodes.remove(key)
        sizes[key] = total
    return sizes[key]


def _refuse(problem: str, place: yaml.Node | yaml.Event) -> NoReturn:
    raise yaml.constructor.ConstructorError(None, None, problem, place.start_mark)


# --- Constructors -----------------------------------------------------------------------------
def _text(loader: _PlainLoader, node: yaml.Node) -> str:
    value = loader.construct_scalar(node)
    if "\0" in value:
        _refuse("a text with the character NUL", node)
    if half_character(value):
        _refuse("a text with half of a character (a surrogate)", node)
    return value


def _null(loader: _PlainLoader, node: yaml.Node) -> None:
    loader.construct_scalar(node)


def _boolean(loader: _PlainLoader, node: yaml.Node) -> bool:
    value = loader.construct_scalar(node)
    if value.lower() not in loader.bool_values:
        _refuse(f"{value[:40]!r} is not true or false", node)
    return loader.bool_values[value.lower()]


def _whole_number(loader: _PlainLoader, node: yaml.Node) -> int:
    value = _number_text(loader, node)
    try:
        number = yaml.SafeLoader.construct_yaml_int(loader, node)
    except (ValueError, IndexError):
        _refuse(f"{value[:40]!r} is not a whole number", node)
    if abs(number) > LARGEST_WHOLE:
        _refuse(f"{value[:40]} has more than 64 bits", node)
    return number


def _number(loader: _PlainLoader, node: yaml.Node) -> float:
    value = _number_text(loader, node)
    try:
        return yaml.SafeLoader.construct_yaml_float(loader, node)
    except (ValueError, IndexError, OverflowError):
        _refuse(f"{value[:40]!r} is not a number", node)


def _number_text(loader: _PlainLoader, node: yaml.Node) -> str:
    value = loader.construct_scalar(node)
    if len(value) > LONGEST_NUMBER:
        _refuse(f"a number of {len(value):,} characters", node)
    return value


def _list(loader: _PlainLoader, node: yaml.Node) -> list:
    return loader.construct_sequence(node, deep=True)


def _mapping(loader: _PlainLoader, node: yaml.Node) -> dict:
    if isinstance(node, yaml.MappingNode):
        loader.flatten_mapping(node)
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                _refuse("a key that is a list or a mapping", key)
    return yaml.constructor.BaseConstructor.construct_mapping(loader, node, deep=True)


def _other(loader: _PlainLoader, node: yaml.Node) -> None:
    _refuse(f"the tag {node.tag.replace(_TAG, '!!')[:60]} is not supported", node)


_PlainLoader.yaml_constructors = {
    f"{_TAG}null": _null,
    f"{_TAG}bool": _boolean,
    f"{_TAG}int": _whole_number,
    f"{_TAG}float": _number,
    f"{_TAG}str": _text,
    f"{_TAG}seq": _list,
    f"{_TAG}map": _mapping,
    None: _other,
}
# A date stays the text that it is, so that no date is impossible.
_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != f"{_TAG}timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
