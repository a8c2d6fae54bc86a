"""Read YAML with line numbers, so that errors can name the line."""

from pathlib import Path
from typing import Any

import yaml

from slr_keras.utils.errors import UserError
from slr_keras.utils.plain_yaml import parse_yaml, read_plain_yaml

KeyPath = tuple[str, ...]


def read_yaml(path: str | Path) -> tuple[dict[str, Any], dict[KeyPath, int]]:
    """Read a YAML mapping.

    Returns:
        The values, and for each key path (`("training", "epochs")`) its line, counted from 1.

    Raises:
        UserError: the file is unreadable, not YAML, not a mapping, or gives a key twice; names file
            and line.
    """
    root, values = read_plain_yaml(path)
    if values is None:
        return {}, {}
    if not isinstance(values, dict):
        raise UserError(f"{path}: expected sections such as `data:` and `training:`")
    lines: dict[KeyPath, int] = {}
    _collect_lines(root, (), lines, path)
    return values, lines


def read_value(text: str) -> Any:
    """Parse the YAML value of a command-line override, such as `0.1`, `[a, b]` or `true`.

    Raises:
        UserError: the text is not valid YAML.
    """
    return parse_yaml(text, "--set")[1]


def _collect_lines(node: yaml.Node, prefix: KeyPath, lines: dict, path: str | Path) -> None:
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        here = (*prefix, str(key.value))
        line = key.start_mark.line + 1
        if here in lines:
            # YAML readers silently keep the last value, so the first would have no effect.
            name = ".".join(here)
            raise UserError(f"{path}:{line}: {name} is given twice (first on line {lines[here]})")
        lines[here] = line
        _collect_lines(value, here, lines, path)
