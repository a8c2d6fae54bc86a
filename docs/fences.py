"""Griffe extension: examples of docstrings become code blocks of the page."""

import re
import textwrap

from griffe import Extension, Object

_EXAMPLE = re.compile(r"^Example::\n\n((?:(?: {4}.*)?\n?)+)", re.MULTILINE)
_DOCTEST = re.compile(r"^>>> .*(?:\n(?!\n|```).*)*", re.MULTILINE)


def fenced(docstring: str) -> str:
    """A docstring whose examples stand in fences."""
    text = _EXAMPLE.sub(
        lambda match: f"```python\n{textwrap.dedent(match[1]).strip()}\n```\n", docstring
    )
    return _DOCTEST.sub(lambda match: f"```pycon\n{match[0]}\n```", text)


class Fences(Extension):
    """Puts fences around the examples."""

    def on_object(self, *, obj: Object, **_) -> None:
        """Called for every class and function."""
        if obj.docstring is not None:
            obj.docstring.value = fenced(obj.docstring.value)
