"""The imports of a source tree, read from its text: between modules and between folders."""

import ast
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

COMMANDS = "commands"


def modules_of(root: Path, packages: Sequence[str]) -> dict[str, Path]:
    """Dotted name of every module of some packages, with its file."""
    files = [file for package in packages for file in sorted((root / package).rglob("*.py"))]
    return {_dotted(file.relative_to(root)): file for file in files}


def imports_of(modules: Mapping[str, Path]) -> dict[str, set[str]]:
    """The modules of the tree that each of its modules imports, anywhere in its text."""
    return {name: _imported(file, modules) - {name} for name, file in modules.items()}


def folder_of(module: str, modules: Mapping[str, Path]) -> str:
    """The folder of a module, one level below its package; `commands` for modules on the top."""
    package, _, rest = module.partition(".")
    if not rest:
        return package
    top = f"{package}.{rest.partition('.')[0]}"
    return top if modules[top].name == "__init__.py" else COMMANDS


def circles(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Groups of nodes that reach one another, each sorted (Tarjan's algorithm)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph.get(node, ()):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            place = stack.index(node)
            group, stack[place:] = stack[place:], []
            if len(group) > 1:
                groups.append(sorted(group))

    for node in graph:
        if node not in index:
            visit(node)
    return groups


def upward(
    graph: Mapping[str, Iterable[str]],
    modules: Mapping[str, Path],
    floors: Sequence[Sequence[str]],
) -> list[str]:
    """Imports that do not go down, as `module -> module` with the floors of both folders.

    A module may import its own folder and every folder of a lower floor, and no other. A folder
    that stands on no floor is reported, too.
    """
    floor = {folder: number for number, folders in enumerate(floors) for folder in folders}
    wrong = []
    for module, targets in graph.items():
        folder = folder_of(module, modules)
        if folder not in floor:
            wrong.append(f"{module}: its folder {folder} is on no floor")
            continue
        for target in sorted(targets):
            other = folder_of(target, modules)
            if other != folder and floor.get(other, len(floors)) >= floor[folder]:
                wrong.append(f"{module} ({floor[folder]}) -> {target} ({floor.get(other)})")
    return wrong


def _dotted(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _imported(file: Path, modules: Mapping[str, Path]) -> set[str]:
    targets: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            targets |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            submodules = names & modules.keys()
            targets |= submodules
            if names != submodules:
                targets.add(node.module)
    return targets & modules.keys()
