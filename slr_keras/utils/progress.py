"""Progress bars of commands, on standard error."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

Item = TypeVar("Item")

# Seconds between two notes of a bar.
_PAUSE = 0.2
_open_bars: list[Any] = []


@contextlib.contextmanager
def clip_bar(clips: int, description: str, hidden: bool = False) -> Iterator[Callable[[int], None]]:
    """A bar that counts clips; no bar where standard error is no terminal.

    Lines that are printed while the bar is open belong into `beside_bars`.

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
        _open_bars.append(bar)
        try:
            yield bar.update
        finally:
            _open_bars.remove(bar)


def noted(items: Iterable[Item], what: str, total: int | None = None) -> Iterator[Item]:
    """Pass items on, and note in the open bar how many there were; without a bar, only pass on.

    Args:
        items: such as the frames of a long video.
        what: is counted, such as "clip.mp4: frame".
        total: number of items; None or 0 if unknown.

    >>> from slr_keras.utils.progress import noted
    >>> list(noted("abc", "clip.mp4: frame", 3))
    ['a', 'b', 'c']
    """
    bar = _open_bars[-1] if _open_bars else None
    if bar is None or bar.disable:
        yield from items
        return
    of = f" of {total}" if total else ""
    latest = float("-inf")
    try:
        for number, item in enumerate(items, start=1):
            if time.monotonic() - latest >= _PAUSE:
                bar.set_postfix_str(f"{what} {number}{of}")
                latest = time.monotonic()
            yield item
    finally:
        bar.set_postfix_str("")


@contextlib.contextmanager
def beside_bars() -> Iterator[None]:
    """Take the open bars off the terminal while lines are printed, and show them again."""
    if not _open_bars:
        yield
        return
    from tqdm import tqdm

    with tqdm.external_write_mode(file=sys.stdout):
        yield
        sys.stdout.flush()


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
