"""The recipes that come with the package, and how a command finds the one that it is given."""

import re
import shutil
import textwrap
from pathlib import Path

import slr_keras
from slr_keras.utils.errors import UserError
from slr_keras.utils.suggestions import nearest

SUFFIX = ".yaml"


def recipes_folder() -> Path:
    """The folder of the recipes: inside the installed package, beside it in a checkout.

    >>> from slr_keras.config.recipes import recipes_folder
    >>> recipes_folder().name
    'configs'
    """
    package = Path(slr_keras.__file__).resolve().parent
    installed = package / "configs"
    return installed if installed.is_dir() else package.parent / "configs"


def shipped_recipes() -> dict[str, Path]:
    """The file of every recipe that comes with the package, by its name, in alphabetical order.

    >>> from slr_keras.config.recipes import shipped_recipes
    >>> "stark_demo" in shipped_recipes()
    True
    """
    return {path.stem: path for path in sorted(recipes_folder().glob(f"*{SUFFIX}"))}


def find_recipe(source: str | Path, expected: str = "recipe") -> Path:
    """The file of a recipe: a file that exists, else a shipped recipe of that name.

    Args:
        source: path of a file, or name of a shipped recipe with or without its suffix.
        expected: what an error calls that which is not there.

    Raises:
        UserError: there is neither; names the nearest shipped recipe.

    >>> from slr_keras.config.recipes import find_recipe
    >>> find_recipe("stark_demo").name
    'stark_demo.yaml'
    """
    path, shipped = Path(source), shipped_recipes()
    name = path.name.removesuffix(SUFFIX)
    if path.is_file():
        return path
    if path.name == str(source) and name in shipped:
        return shipped[name]
    if path.exists():
        # A pipe can be read; of anything else, the reader says what is wrong.
        return path
    near = nearest(name, shipped)
    if "did you mean" not in near:
        near = f"; give the path of a {SUFFIX} file, or a name that `slr fit --list` shows"
    raise UserError(f"{source}: no such {expected}{near}")


def summary(path: Path) -> str:
    """The first sentence of a recipe's header.

    >>> from slr_keras.config.recipes import find_recipe, summary
    >>> summary(find_recipe("ustm_phoenix14"))
    'USTM on PHOENIX-2014.'
    """
    paragraph = re.match(r"(?:# *\S.*\n)*", path.read_text(encoding="utf-8"))
    text = " ".join(line.lstrip("# ") for line in paragraph[0].splitlines()) if paragraph else ""
    return re.split(r"(?<=\.) ", text)[0]


def recipe_listing(width: int = 0) -> str:
    """Name and summary of every shipped recipe.

    Args:
        width: of a line, in characters; 0: that of the terminal.
    """
    shipped = shipped_recipes()
    if not shipped:
        return f"there are no recipes in {recipes_folder()}"
    indent = max(map(len, shipped)) + 2
    width = max(width or shutil.get_terminal_size().columns, indent + 30)
    lines = [
        textwrap.fill(
            summary(path), width, initial_indent=name.ljust(indent), subsequent_indent=" " * indent
        )
        for name, path in shipped.items()
    ]
    return "\n".join([*lines, "", f"from {recipes_folder()}"])
