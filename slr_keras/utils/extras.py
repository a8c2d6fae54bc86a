"""How to install what an optional part of the package needs."""


def install(*extras: str) -> str:
    """The command that installs extras of this package, for the end of an error.

    In a checkout the name of the package would fetch another copy of it, or none.

    >>> from slr_keras.utils.extras import install
    >>> install("pose")
    "pip install 'slr-keras[pose]' (in a checkout: pip install '.[pose]')"
    """
    names = ",".join(extras)
    return f"pip install 'slr-keras[{names}]' (in a checkout: pip install '.[{names}]')"
