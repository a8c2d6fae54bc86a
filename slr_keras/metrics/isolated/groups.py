"""Groups of signs with a score of their own, such as NMFs-CSL's confusing and normal signs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_json
from slr_keras.utils.unicode import composed

GROUPS_FILE = "groups.json"
TOTAL = "total"

Groups = Mapping[str, tuple[str, ...]]


def read_groups(folder: str | Path) -> dict[str, tuple[str, ...]]:
    """Read the groups of a data folder: `groups.json`, `{"confusing": ["GLOSS", ...], ...}`.

    Returns:
        glosses by group; empty if the folder has no such file.

    Raises:
        UserError: the file is not an object of lists of glosses, a group is empty or has the name
            "total", or a gloss occurs twice in a group.
    """
    path = Path(folder) / GROUPS_FILE
    if not path.is_file():
        return {}
    value = read_json(path)
    if not isinstance(value, dict):
        raise UserError(f'{path}: must be an object such as {{"confusing": ["GLOSS", ...]}}')
    value = {name: _composed(glosses) for name, glosses in value.items()}
    for name, glosses in value.items():
        listed = isinstance(glosses, list) and all(isinstance(gloss, str) for gloss in glosses)
        if not listed or not glosses:
            raise UserError(f"{path}: group {name!r} must be a list of at least one gloss")
        if name == TOTAL:
            raise UserError(f"{path}: {TOTAL!r} is all signs together; call the group otherwise")
        twice = next((gloss for gloss in glosses if glosses.count(gloss) > 1), None)
        if twice is not None:
            raise UserError(f"{path}: group {name!r} names {twice!r} twice")
    return {name: tuple(glosses) for name, glosses in value.items()}


def _composed(glosses: Any) -> Any:
    """A list of glosses with composed letters; anything else as it is."""
    if not isinstance(glosses, list):
        return glosses
    return [composed(gloss) if isinstance(gloss, str) else gloss for gloss in glosses]
