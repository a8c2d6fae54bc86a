"""List the commands, or run one: `python -m slr_keras fit ...` is `python -m slr_keras.fit ...`."""

import ast
import importlib
import pkgutil
import sys
from importlib.machinery import SourceFileLoader

import slr_keras
from slr_keras.utils.command import run
from slr_keras.utils.errors import UserError
from slr_keras.utils.suggestions import nearest


def commands() -> dict[str, str]:
    """Name and one-line summary of every command, in alphabetical order.

    A command is a module directly under `slr_keras` that defines `main`; its summary is the first
    line of its docstring. The source is parsed, not imported, so that this list is instant.

    >>> from slr_keras.__main__ import commands
    >>> "predict" in commands()
    True
    """
    summaries = {}
    for module in pkgutil.iter_modules(slr_keras.__path__):
        if module.ispkg or module.name.startswith("_"):
            continue
        loader = module.module_finder.find_spec(f"slr_keras.{module.name}").loader
        assert isinstance(loader, SourceFileLoader)
        tree = ast.parse(loader.get_data(loader.path))
        if any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body):
            summaries[module.name] = (ast.get_docstring(tree) or "").partition("\n")[0]
    return dict(sorted(summaries.items()))


def _listing() -> str:
    known = commands()
    width = max(map(len, known), default=0)
    lines = [f"  {name:<{width}}  {summary}" for name, summary in known.items()]
    return "\n".join(
        [
            f"slr_keras {slr_keras.__version__}: sign language recognition in Keras 3",
            "",
            "usage: python -m slr_keras COMMAND ...    (or: python -m slr_keras.COMMAND ...)",
            "",
            *lines,
            "",
            "`python -m slr_keras COMMAND --help` explains a command, with an example.",
        ]
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the command named first, or list the commands.

    Raises:
        UserError: there is no such command; names the nearest.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_listing())
        return 0
    name, *rest = arguments
    if name == "--version":
        print(slr_keras.__version__)
        return 0
    known = commands()
    if name not in known:
        raise UserError(f"there is no command {name!r}{nearest(name, known)}")
    return importlib.import_module(f"slr_keras.{name}").main(rest) or 0


if __name__ == "__main__":
    run(main)
