"""Suggestions for misspelled names in error messages."""

import difflib
from collections.abc import Iterable


def nearest(name: str, names: Iterable[str]) -> str:
    """A hint to append to an error: the nearest valid name, or all names if there are few.

    >>> from slr_keras.utils.suggestions import nearest
    >>> nearest("stark_tny", ["stark", "stark_tiny"])
    "; did you mean 'stark_tiny'?"
    >>> nearest("xyz", ["stark", "stark_tiny"])
    '; there are: stark, stark_tiny'
    """
    names = sorted(str(candidate) for candidate in names)
    close = difflib.get_close_matches(str(name), names, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; there are: {', '.join(names)}" if len(names) <= 30 else ""
