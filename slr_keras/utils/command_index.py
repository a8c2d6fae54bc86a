"""The list of commands: what there is, and which one the first argument names."""

import ast
import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader

import slr_keras
from slr_keras.utils.errors import UserError
from slr_keras.utils.invocation import program
from slr_keras.utils.suggestions import nearest

HELP = ("-h", "--help", "help")


def commands_of(package: str) -> dict[str, str]:
    """Name and one-line summary of every command of a package, in alphabetical order.

    A command is a module directly under the package that defines `main`; its summary is the first
    line of its docstring. The source is parsed, not imported, so that this list is instant.

    >>> from slr_keras.utils.command_index import commands_of
    >>> "predict" in commands_of("slr_keras"), "tflite" in commands_of("export")
    (True, True)
    """
    spec = importlib.util.find_spec(package)
    # A folder of that name without __init__.py is somebody else's.
    if spec is None or spec.origin is None:
        return {}
    summaries = {}
    for module in pkgutil.iter_modules(spec.submodule_search_locations):
        if module.ispkg or module.name.startswith("_"):
            continue
        loader = module.module_finder.find_spec(f"{package}.{module.name}").loader
        assert isinstance(loader, SourceFileLoader)
        tree = ast.parse(loader.get_data(loader.path))
        if any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body):
            summaries[module.name] = (ast.get_docstring(tree) or "").partition("\n")[0]
    return dict(sorted(summaries.items()))


@dataclass(frozen=True)
class CommandIndex:
    """The commands of some packages, each package a group of the listing.

    Attributes:
        groups: by package, the title of its group.

    >>> from slr_keras.utils.command_index import CommandIndex
    >>> CommandIndex({"export": "export"}).packages()["serve"]
    'export'
    """

    groups: Mapping[str, str]

    def packages(self) -> dict[str, str]:
        """The package of every command, by its name."""
        return {name: package for package in self.groups for name in commands_of(package)}

    def listing(self) -> str:
        """All commands with their summaries, and how to run one."""
        known = {package: commands_of(package) for package in self.groups}
        width = max((len(name) for names in known.values() for name in names), default=0)
        lines = [
            f"slr_keras {slr_keras.__version__}: sign language recognition in Keras 3",
            "",
            f"usage: {program()} COMMAND ...",
        ]
        for package, title in self.groups.items():
            lines += ["", f"{title}:"]
            lines += [f"  {name:<{width}}  {text}" for name, text in known[package].items()]
        lines += ["", f"`{program()} help COMMAND` explains a command, with an example."]
        return "\n".join(lines)

    def main(self, arguments: list[str] | None = None) -> int:
        """Run the command named first, explain one, or list all.

        Raises:
            UserError: there is no such command; names the nearest.
        """
        arguments = sys.argv[1:] if arguments is None else arguments
        if arguments and arguments[0] in HELP:
            arguments = [*arguments[1:2], "--help"] if arguments[1:] else []
        if not arguments:
            print(self.listing())
            return 0
        name, *rest = arguments
        if name == "--version":
            print(slr_keras.__version__)
            return 0
        packages = self.packages()
        if name not in packages:
            raise UserError(f"there is no command {name!r}{nearest(name, packages)}")
        return importlib.import_module(f"{packages[name]}.{name}").main(rest) or 0
