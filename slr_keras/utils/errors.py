"""The one exception that speaks to the user."""


class UserError(Exception):
    """A mistake the user can mend: what was wrong, where, and what to do.

    Commands print it as one line and exit with code 2; it never becomes a traceback.

    >>> from slr_keras.utils.errors import UserError
    >>> str(UserError("train.jsonl:7: sample 'a' has no glosses; add them or drop the line"))
    "train.jsonl:7: sample 'a' has no glosses; add them or drop the line"
    """
