"""Presets as a table, as JSON values, and their cards."""

from collections.abc import Sequence
from typing import Any

from slr_keras.hub.preset import CARD, NOTICE, Preset
from slr_keras.hub.shipped import DEFAULT
from slr_keras.utils.files import read_text

_KINDS = {"sign": "one sign a clip", "glosses": "sentences"}


def table(presets: Sequence[Preset]) -> str:
    """A line for each preset: name, signs, kind, size, licence, title."""
    rows = [("preset", "signs", "reads", "size", "licence", "")]
    for preset in presets:
        about = preset.description
        kind = _KINDS.get(str(about.get("output")), "?")
        stream = ", streams" if about.get("streaming") else ""
        rows.append(
            (
                preset.name + " *" * (preset.name == DEFAULT),
                str(about.get("glosses", "?")),
                kind + stream,
                f"{preset.size / 1e6:.1f} MB",
                str(about.get("licence", "?")),
                preset.title,
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [
        "  ".join([*(text.ljust(width) for text, width in zip(row, widths)), row[5]]).rstrip()
        for row in rows
    ]
    return "\n".join([*lines, "", "* the default of `predict`"])


def facts(preset: Preset) -> dict[str, Any]:
    """The description of a preset without its files, and its folder and size in bytes."""
    about = {name: value for name, value in preset.description.items() if name != "files"}
    return {**about, "folder": str(preset.path), "bytes": preset.size}


def card(preset: Preset) -> str:
    """The card of a preset, its NOTICE file, and where it is kept."""
    parts = [read_text(preset.path / name) for name in (CARD, NOTICE)]
    return "\n".join([*parts, f"Folder: {preset.path}", ""])
