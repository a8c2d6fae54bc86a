"""Progress bars of commands, on standard error."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def clip_bar(clips: int, description: str, hidden: bool = False) -> Iterator[Callable[[int], None]]:
    """A bar that counts clips; no bar where standard error is no terminal.

    Args:
        clips: total number of clips.
        description: what is done with the clips.
        hidden: shows no bar.

    Yields:
        A function to call with the clip count after each batch.
    """
    from tqdm import tqdm

    hidden = hidden or not sys.stderr.isatty()
    with tqdm(total=clips, unit="clips", desc=description, leave=False, disable=hidden) as bar:
        yield bar.update


@contextlib.contextmanager
def iteration_bars() -> Iterator[Callable[..., Any]]:
    """Several bars in succession, all closed at the end of the block.

    An error message that follows the block then starts on a line of its own.

    Yields:
        A function that takes an iterable and a description, and returns the iterable with a bar.
    """
    from tqdm import tqdm

    with contextlib.ExitStack() as opened:

        def bar(things: Any, description: str = "") -> Any:
            return opened.enter_context(
                tqdm(things, desc=description, file=sys.stderr, mininterval=0.5, leave=False)
            )

        yield bar
