"""Read what docstrings say of attributes and arguments."""

import inspect
import re


def described(docstring: str | None, heading: str) -> dict[str, str]:
    """The text of each name of a section such as `Args:` or `Attributes:`, on one line.

    Names that share a text, as in `first, second: the text`, both have it.

    >>> from slr_keras.utils.docstrings import described
    >>> described("Do it.\\n\\nArgs:\\n    a, b: sides\\n        of it.\\n\\nRaises: ...", "Args")
    {'a': 'sides of it.', 'b': 'sides of it.'}
    """
    text = inspect.cleandoc(docstring or "")
    section = re.search(rf"^{heading}:\n((?:(?: +.*)?\n)*(?: +.*)?)", text, re.MULTILINE)
    entries: dict[str, str] = {}
    # An entry begins at four spaces; its other lines are indented further.
    for entry in re.split(r"^ {4}(?=\S)", section[1], flags=re.MULTILINE) if section else ():
        names, _, meaning = " ".join(entry.split()).partition(": ")
        entries |= dict.fromkeys(names.split(", "), meaning)
    entries.pop("", None)
    return entries


def opening(docstring: str | None) -> str:
    """The first paragraph of a docstring, on one line.

    >>> from slr_keras.utils.docstrings import opening
    >>> opening("One\\nline.\\n\\nMore.")
    'One line.'
    """
    return " ".join(inspect.cleandoc(docstring or "").partition("\n\n")[0].split())
