"""The exception for mistakes of the user."""

import re

# A message quotes what stands in a file, which may be of any length.
_LONGEST = 3000
# Characters that cannot be written, or that command a terminal.
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class UserError(Exception):
    """A mistake that the user can correct: what was wrong, where, and what to do.

    Commands print it as one line and exit with code 2; it never becomes a traceback. The middle of
    a very long message is left out, and characters that cannot be printed are escaped.

    >>> from slr_keras.utils.errors import UserError
    >>> str(UserError("train.jsonl:7: sample 'a' has no glosses; add them or drop the line"))
    "train.jsonl:7: sample 'a' has no glosses; add them or drop the line"
    >>> len(str(UserError("a" * 10**6)))
    3005
    """

    def __init__(self, message: object = ""):
        text = str(message)
        if len(text) > _LONGEST:
            text = f"{text[: _LONGEST - 500]} ... {text[-500:]}"
        super().__init__(_UNWRITABLE.sub(_escaped, text))


def _escaped(match: re.Match) -> str:
    return match[0].encode("unicode_escape").decode()
