"""Convert YAML to a `Config` and back, and check keys, types and limits."""

import dataclasses
import difflib
import math
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from slr_keras.config.kinds import describe, shown
from slr_keras.config.recipes import find_recipe
from slr_keras.config.schema import Config
from slr_keras.config.yaml_source import KeyPath, read_value, read_yaml
from slr_keras.utils.errors import UserError
from slr_keras.utils.plain_yaml import LARGEST_WHOLE, half_character

_LONGEST_TEXT = 4096
_DEEPEST_KEY = 10
# Bytes of a name in a path.
_LONGEST_NAME = 255


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Read a recipe.

    Args:
        path: YAML file, or the name of a recipe that comes with the package.
        overrides: `"section.key=value"` strings; the value is YAML.

    Raises:
        UserError: there is no such recipe (names the nearest); a key does not exist (suggests the
            nearest), a value has the wrong type or is out of limits; names file, line and key.
    """
    path = find_recipe(path)
    values, lines = read_yaml(path)
    origin = {key: f"{path}:{line}" for key, line in lines.items()}
    for text in overrides:
        _merge(values, origin, text)
    config = parse_config(values, str(path), origin)
    # Absolute, so that the run can be evaluated from anywhere.
    data = {
        name: _absolute(value, f"{path}: data.{name}")
        for name in ("folder", "vocabulary")
        if (value := getattr(config.data, name))
    }
    composition = config.composition
    if composition.grammar:
        grammar = _absolute(composition.grammar, f"{path}: composition.grammar")
        composition = dataclasses.replace(composition, grammar=grammar)
    data_config = dataclasses.replace(config.data, **data)
    return dataclasses.replace(config, data=data_config, composition=composition)


def _absolute(value: str, key: str) -> str:
    """An absolute path; refuses a path that no file can have."""
    try:
        path = Path(value).expanduser().resolve()
        path.exists()
    except (OSError, RuntimeError, ValueError) as error:
        raise UserError(f"{key}: {shown(value)} cannot be a path ({error})"[:400]) from error
    return str(path)


def parse_config(
    values: Mapping[str, Any], source: str = "config", origin: Mapping[KeyPath, str] | None = None
) -> Config:
    """Build a `Config` from nested mappings.

    Args:
        values: sections and their keys.
        source: name of the config in error messages.
        origin: file and line of each key, for error messages.

    >>> from slr_keras.config import parse_config
    >>> parse_config({"data": {"folder": "data/demo"}}).training.learning_rate
    0.001
    """
    reader = _Reader(source, origin or {})
    return reader.section(values, Config, ())


def override(config: Config, overrides: Sequence[str]) -> Config:
    """A copy of a config with `"section.key=value"` strings applied."""
    values, origin = to_tree(config), {}
    for text in overrides:
        _merge(values, origin, text)
    return parse_config(values, "config", origin)


def read_run_config(path: str | Path) -> Config:
    """Read the resolved config of a run; its paths are not changed."""
    values, lines = read_yaml(path)
    return parse_config(values, str(path), {k: f"{path}:{line}" for k, line in lines.items()})


def to_tree(config: Any) -> Any:
    """Convert a config to plain mappings, lists and scalars."""
    if dataclasses.is_dataclass(config):
        return {f.name: to_tree(getattr(config, f.name)) for f in dataclasses.fields(config)}
    if isinstance(config, Mapping):
        return {key: to_tree(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return [to_tree(value) for value in config]
    return config


def to_yaml(config: Config) -> str:
    """A config as YAML, with all fields."""
    return yaml.safe_dump(to_tree(config), sort_keys=False, allow_unicode=True, width=100)


def differences(old: Config, new: Config) -> list[str]:
    """One line per key whose value differs, such as `training.epochs: 60 -> 80`."""
    before, after = _flat(to_tree(old)), _flat(to_tree(new))
    keys = [*before, *(key for key in after if key not in before)]
    return [
        f"{key}: {before.get(key, 'absent')} -> {after.get(key, 'absent')}"
        for key in keys
        if before.get(key) != after.get(key)
    ]


def _flat(tree: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(tree, Mapping):
        return {prefix: tree}
    if not tree and prefix:
        return {prefix: {}}
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= _flat(value, f"{prefix}.{key}" if prefix else str(key))
    return flat


def _merge(values: dict[str, Any], origin: dict[KeyPath, str], text: str) -> None:
    name, equals, value = text.partition("=")
    keys = tuple(name.strip().split("."))
    if not equals or not all(keys) or len(keys) > _DEEPEST_KEY:
        raise UserError(f"--set {text[:200]}: expected section.key=value")
    node = values
    for key in keys[:-1]:
        if not isinstance(node.get(key), dict):
            node[key] = {}
        node = node[key]
    node[keys[-1]] = read_value(value)
    for depth in range(1, len(keys) + 1):
        origin[keys[:depth]] = f"--set {text}"


def _all_names(kind: type, prefix: str = "") -> Iterable[str]:
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        name = f"{prefix}{field.name}"
        yield name
        if dataclasses.is_dataclass(hints[field.name]):
            yield from _all_names(hints[field.name], f"{name}.")


def _nearest(name: str) -> str:
    """The known key most similar to `name`, in its own section or, failing that, in any."""
    known = list(_all_names(Config))
    section, _, leaf = name.rpartition(".")
    siblings = {k.rpartition(".")[2]: k for k in known if k.rpartition(".")[0] == section}
    everywhere = {k.rpartition(".")[2]: k for k in known}
    for names in (siblings, everywhere):
        near = difflib.get_close_matches(leaf, names, n=1, cutoff=0.7)
        if near:
            return names[near[0]]
    return max(known, key=lambda other: difflib.SequenceMatcher(None, name, other).ratio())


class _Reader:
    """Converts mappings to dataclasses, and names the origin of a key in errors."""

    def __init__(self, source: str, origin: Mapping[KeyPath, str]):
        self.source = source
        self.origin = origin

    def fail(self, path: KeyPath, problem: str) -> typing.NoReturn:
        where = self.origin.get(path, self.source)
        raise UserError(f"{where}: {'.'.join(path)}{': ' if path else ''}{problem}")

    def section(self, values: Any, kind: type, path: KeyPath) -> Any:
        if values is None:
            values = {}
        if not isinstance(values, Mapping):
            self.fail(path, f"expected keys and values, found {shown(values)}")
        hints = typing.get_type_hints(kind)
        fields = {field.name: field for field in dataclasses.fields(kind)}
        for key in values:
            if key not in fields:
                here = (*path, str(key))
                self.fail(here, f"unknown key; did you mean {_nearest('.'.join(here))}?")
        arguments = {}
        for name, field in fields.items():
            here = (*path, name)
            if name in values:
                arguments[name] = self.value(values[name], hints[name], here)
                self.check_limits(arguments[name], field.metadata, here)
            elif dataclasses.is_dataclass(hints[name]):
                arguments[name] = self.section({}, hints[name], here)
            elif (
                field.default is dataclasses.MISSING
                and field.default_factory is dataclasses.MISSING
            ):
                self.fail(here, f"missing; {field.metadata.get('help') or 'give it a value'}")
        try:
            return kind(**arguments)
        except (ValueError, UserError) as error:
            # The errors of some sections already start with the name of the section.
            self.fail(path, str(error).removeprefix(f"{'.'.join(path)}."))

    def value(self, value: Any, kind: Any, path: KeyPath) -> Any:
        origin, inner = typing.get_origin(kind), typing.get_args(kind)
        if dataclasses.is_dataclass(kind):
            return self.section(value, kind, path)
        if kind is Any:
            return value
        if origin in (typing.Union, types.UnionType):
            return self.first_that_fits(value, inner, kind, path)
        if origin is typing.Literal:
            if value not in inner:
                near = difflib.get_close_matches(shown(value), [str(c) for c in inner], n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                choices = ", ".join(str(choice) for choice in inner)
                self.fail(path, f"{shown(value)} is not one of {choices}{hint}")
            return value
        if origin in (tuple, list, Sequence):
            return self.sequence(value, origin, inner, kind, path)
        if origin in (dict, Mapping) or kind in (dict, Mapping):
            if not isinstance(value, Mapping):
                self.fail(path, f"expected keys and values, found {shown(value)}")
            item = inner[1] if inner else Any
            return {str(k): self.value(v, item, (*path, str(k))) for k, v in value.items()}
        return self.scalar(value, kind, path)

    def scalar(self, value: Any, kind: Any, path: KeyPath) -> Any:
        if kind is float and isinstance(value, str):
            # YAML 1.1 reads 1e-3 (no dot) as text.
            try:
                value = float(value)
            except ValueError:
                self.fail(path, f"expected a number, found {shown(value)}")
        if isinstance(value, int) and abs(value) > LARGEST_WHOLE:
            self.fail(path, f"{shown(value)} has more than 64 bits")
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if kind is type(None) and value is None:
            return None
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            self.fail(path, f"expected {describe(kind)}, found {shown(value)}")
        if isinstance(value, str):
            self.check_text(value, path)
        return value

    def check_text(self, value: str, path: KeyPath) -> None:
        if len(value) > _LONGEST_TEXT:
            self.fail(path, f"a text of {len(value):,} characters; {_LONGEST_TEXT:,} are allowed")
        if "\0" in value or half_character(value):
            self.fail(path, f"{shown(value)} has a character that no file name can have")
        if any(len(name.encode(errors="replace")) > _LONGEST_NAME for name in value.split("/")):
            self.fail(path, f"{shown(value)} has a name of more than {_LONGEST_NAME} bytes")

    def sequence(self, value: Any, origin: Any, inner: tuple, kind: Any, path: KeyPath) -> Any:
        if not isinstance(value, list | tuple):
            self.fail(path, f"expected {describe(kind)}, found {shown(value)}")
        open_ended = origin is not tuple or (len(inner) == 2 and inner[1] is Ellipsis)
        if not open_ended and len(value) != len(inner):
            self.fail(path, f"expected {len(inner)} values, found {len(value)}")
        kinds = [inner[0]] * len(value) if open_ended else inner
        items = [self.value(item, k, path) for item, k in zip(value, kinds)]
        return items if origin is list else tuple(items)

    def first_that_fits(self, value: Any, kinds: tuple, union: Any, path: KeyPath) -> Any:
        for kind in kinds:
            try:
                return self.value(value, kind, path)
            except UserError:
                continue
        self.fail(path, f"expected {describe(union)}, found {shown(value)}")

    def check_limits(self, value: Any, limits: Mapping[str, Any], path: KeyPath) -> None:
        low, high = limits.get("minimum"), limits.get("maximum")
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, bool) or not isinstance(number, int | float):
                continue
            if not math.isfinite(number):
                self.fail(path, f"{number} is not a finite number")
            if low is not None and number < low:
                self.fail(path, f"{number} is below the minimum {low}")
            if high is not None and number > high:
                self.fail(path, f"{number} is above the maximum {high}")
