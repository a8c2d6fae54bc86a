"""Presets that are installed with the package."""

from pathlib import Path

from slr_keras.hub.preset import DESCRIPTION

#: The preset of commands that are given none.
DEFAULT = "asl-words"
_FOLDER = Path(__file__).parent / "models"


def folders() -> dict[str, Path]:
    """Folder of each shipped preset by name, in alphabetical order.

    >>> from slr_keras.hub import shipped
    >>> "asl-words" in shipped.folders()
    True
    """
    found = sorted(path.parent for path in _FOLDER.glob(f"*/{DESCRIPTION}"))
    return {folder.name: folder for folder in found}
