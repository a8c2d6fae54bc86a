"""Presets that are installed with the package."""

from pathlib import Path

from slr_keras.hub.preset import DESCRIPTION

#: The preset of commands that are given none.
DEFAULT = "asl-words"
_FOLDER = Path(__file__).parent / "models"
#: Data folders of a few clips of real signing, each for one preset.
EXAMPLES = Path(__file__).parent / "examples"


def folders() -> dict[str, Path]:
    """Folder of each shipped preset by name, in alphabetical order.

    >>> from slr_keras.hub import shipped
    >>> "asl-words" in shipped.folders()
    True
    """
    found = sorted(path.parent for path in _FOLDER.glob(f"*/{DESCRIPTION}"))
    return {folder.name: folder for folder in found}


def examples(name: str) -> Path | None:
    """Folder of the example clips of a shipped preset; None if there are none.

    >>> from slr_keras.hub.shipped import examples
    >>> examples("asl-words").name
    'asl_words'
    """
    folder = EXAMPLES / name.replace("-", "_")
    return folder if folder.is_dir() else None
