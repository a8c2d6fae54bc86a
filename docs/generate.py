"""Write the reference pages that follow from the code: commands and recipes.

    python docs/generate.py

The pages are committed, so that they can be read in the repository. A test holds that they are
current.
"""

import contextlib
import io
import os
import re
import sys
from pathlib import Path

COMMANDS, CONFIG = "reference/commands.md", "reference/config.md"
_NOTE = "<!-- Written by docs/generate.py; do not edit. -->"


def pages() -> dict[str, str]:
    """The generated pages by their path in docs/."""
    return {COMMANDS: _commands(), CONFIG: _config()}


def _commands() -> str:
    from slr_keras.__main__ import INDEX
    from slr_keras.benchmark import SUBCOMMANDS
    from slr_keras.utils.command_index import commands_of

    lines = [
        "# Command reference",
        "",
        _NOTE,
        "",
        "Every command starts with `slr`. Without an installed script, `python -m slr_keras` is "
        "the same. `slr help COMMAND` prints what this page shows.",
        "",
    ]
    for package, title in INDEX.groups.items():
        lines += [f"## {title[0].upper()}{title[1:]}", ""]
        for name in commands_of(package):
            lines += [f"### slr {name}", "", *_block(INDEX, [name])]
            if name == "benchmark":
                for part in SUBCOMMANDS:
                    lines += [f"#### slr {name} {part}", "", *_block(INDEX, [name, part])]
    return "\n".join(lines).rstrip() + "\n"


def _block(index, words: list[str]) -> list[str]:
    return ["```text", _help(index, words).strip(), "```", ""]


def _help(index, words: list[str]) -> str:
    """The help of a command as `slr` prints it in a terminal of 100 columns."""
    arguments, columns = sys.argv, os.environ.get("COLUMNS")
    sys.argv, os.environ["COLUMNS"] = ["slr"], "100"
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
            index.main([*words, "--help"])
    finally:
        sys.argv = arguments
        if columns is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = columns
    return out.getvalue()


def _config() -> str:
    from slr_keras.config.reference import markdown

    text = re.sub(r"docs/papers/(\w+)\.md", r"[\1](../papers/\1.md)", markdown())
    opening = [
        "# Recipe keys",
        "",
        _NOTE,
        "",
        "A recipe is a YAML file with the sections below. `slr fit --help-config KEY` explains a "
        "section or a key in the terminal, and `slr fit RECIPE --set SECTION.KEY=VALUE` overrides "
        "a key. An unknown key is an error. `model.options` depends on the model; the last "
        "sections list the options of each family.",
        "",
        "",
    ]
    return "\n".join(opening) + text.rstrip() + "\n"


def main() -> None:
    """Write the pages."""
    for name, text in pages().items():
        path = Path(__file__).parent / name
        path.write_text(text, encoding="utf-8")
        print(path)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    main()
