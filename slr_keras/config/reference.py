"""The keys of a recipe as a text for a terminal, and as Markdown for a page."""

import dataclasses
import inspect
import json
import re
import shutil
import textwrap
import typing
from collections.abc import Iterable
from typing import Any

from slr_keras.config.kinds import describe
from slr_keras.config.loading import to_tree
from slr_keras.config.schema import Config
from slr_keras.utils.docstrings import described, opening
from slr_keras.utils.errors import UserError
from slr_keras.utils.invocation import as_started
from slr_keras.utils.suggestions import nearest

MODEL_OPTIONS = "model.options"
_WIDEST = 100


@dataclasses.dataclass(frozen=True)
class Key:
    """A key of a recipe: its full name, what it takes, its default as YAML, and its meaning."""

    name: str
    takes: str
    default: str
    text: str


@dataclasses.dataclass(frozen=True)
class Section:
    """A section of a recipe, or the options of a family of models."""

    name: str
    text: str
    keys: tuple[Key, ...]


def recipe_sections() -> list[Section]:
    """The sections of a recipe with all their keys.

    >>> from slr_keras.config.reference import recipe_sections
    >>> recipe_sections()[0].keys[0].name
    'data.folder'
    """
    hints = typing.get_type_hints(Config)
    return [_section(field.name, hints[field.name]) for field in dataclasses.fields(Config)]


def model_sections() -> list[Section]:
    """The options of each family of models; imports every model, which takes seconds."""
    from slr_keras.models.option_reference import model_options

    return [
        Section(
            f"{MODEL_OPTIONS} of {family}",
            "",
            tuple(
                Key(
                    f"{MODEL_OPTIONS}.{option.name}",
                    describe(option.kind),
                    _shown(option.default),
                    # The default stands beside it.
                    re.sub(r" Defaults? to `[^`]*`\.?$", "", option.text),
                )
                for option in options
            ),
        )
        for family, options in model_options().items()
    ]


def plain(key: str = "", width: int = 0) -> str:
    """The keys of a recipe for a terminal, each with type, default, limits and meaning.

    Args:
        key: a section (`data`), a key (`data.folder`), `model.options`, or an option of a model
            (`model.options.width`); empty: all sections.
        width: of a line, in characters; 0: that of the terminal, at most 100.

    Raises:
        UserError: there is no such section or key; names the nearest.

    >>> from slr_keras.config.reference import plain
    >>> print(plain("data.batch_size", width=60))
    data: Clips of a run, and how they are batched.
    <BLANKLINE>
      batch_size: a whole number, from 1 to 65,536 (default: 8)
          clips per batch, summed over all devices
    """
    width = max(40, width or min(_WIDEST, shutil.get_terminal_size().columns))
    lines: list[str] = []
    for section in _chosen(key):
        title = f"{section.name}: {section.text}" if section.text else f"{section.name}:"
        lines += [*textwrap.wrap(title, width, subsequent_indent="    "), ""]
        for one in section.keys:
            head = f"{one.name.rpartition('.')[2]}: {one.takes} ({_default(one)})"
            lines += _wrapped(head, width, 2, 6) + _wrapped(as_started(one.text), width, 6, 6)
        lines.append("")
    if not key:
        note = f"`--help-config {MODEL_OPTIONS}` shows the options of every model, "
        note += "`--help-config SECTION` or `--help-config SECTION.KEY` a part of this."
        lines += textwrap.wrap(note, width)
    return "\n".join(lines).rstrip()


def markdown() -> str:
    """The keys of a recipe and the options of the models as Markdown, a table for each section.

    Example::

        Path("docs/recipe.md").write_text(markdown(), encoding="utf-8")
    """
    lines: list[str] = []
    for section in [*recipe_sections(), *model_sections()]:
        lines += [f"## {section.name}", "", *([section.text, ""] if section.text else [])]
        lines += ["| key | takes | default | meaning |", "| --- | --- | --- | --- |"]
        for one in section.keys:
            default = f"`{one.default}`" if one.default else "required"
            cells = (f"`{one.name.rpartition('.')[2]}`", one.takes, default, one.text)
            lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
        lines.append("")
    return "\n".join(lines)


def _chosen(key: str) -> list[Section]:
    """The sections of which a name is one, cut to the key if it is one."""
    if key == MODEL_OPTIONS or key.startswith(f"{MODEL_OPTIONS}."):
        sections = model_sections()
        names: Iterable[str] = {one.name for section in sections for one in section.keys}
    else:
        sections = recipe_sections()
        names = {one.name for section in sections for one in section.keys}
        names |= {section.name for section in sections}
    if not key or key == MODEL_OPTIONS:
        return sections
    if key not in names:
        raise UserError(
            f"--help-config {key}: there is no such section or key{nearest(key, names)}"
        )
    parts = [
        section
        if section.name == key
        else dataclasses.replace(section, keys=tuple(k for k in section.keys if k.name == key))
        for section in sections
    ]
    return [section for section in parts if section.keys]


def _section(name: str, kind: type) -> Section:
    hints = typing.get_type_hints(kind)
    texts = described(kind.__doc__, "Attributes")
    keys = []
    for field in dataclasses.fields(kind):
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        text = field.metadata.get("help") or texts.get(field.name, "")
        takes = describe(hints[field.name]) + _limits(field.metadata)
        keys.append(Key(f"{name}.{field.name}", takes, _shown(default), text))
    return Section(name, opening(kind.__doc__), tuple(keys))


def _limits(metadata: typing.Mapping[str, Any]) -> str:
    low, high = metadata.get("minimum"), metadata.get("maximum")
    if low is not None and high is not None:
        return f", from {_bound(low)} to {_bound(high)}"
    if low is not None:
        return f", at least {_bound(low)}"
    return "" if high is None else f", at most {_bound(high)}"


def _bound(value: float) -> str:
    return f"{value:,.0f}" if 10_000 <= abs(value) < 1e10 else f"{value:g}"


def _shown(default: Any) -> str:
    """A default as YAML; empty where a value must be given."""
    if default in (dataclasses.MISSING, inspect.Parameter.empty):
        return ""
    return json.dumps(to_tree(default), ensure_ascii=False)


def _default(key: Key) -> str:
    return f"default: {key.default}" if key.default else "required"


def _wrapped(text: str, width: int, first: int, rest: int) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=" " * first,
        subsequent_indent=" " * rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
