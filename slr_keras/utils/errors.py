"""The exception for mistakes of the user."""


class UserError(Exception):
    """A mistake that the user can correct: what was wrong, where, and what to do.

    Commands print it as one line and exit with code 2; it never becomes a traceback.

    >>> from slr_keras.utils.errors import UserError
    >>> str(UserError("train.jsonl:7: sample 'a' has no glosses; add them or drop the line"))
    "train.jsonl:7: sample 'a' has no glosses; add them or drop the line"
    """
