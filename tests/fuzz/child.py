"""A process that reads many mutated files, with limits of memory and time for each.

The process says in a file which input is under way, so that the parent can name the input that
ended it. `faulthandler` ends the process when an input takes too long, even inside of C code.
"""

import argparse
import faulthandler
import json
import mmap
import random
import resource
import sys
import tempfile
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent / "helpers"), str(HERE)]

import examples  # noqa: E402
import mutation  # noqa: E402
import targets  # noqa: E402

MEBIBYTE = 2**20
# Tries to make a find smaller, and bytes of the largest file for which they are made.
_TRIES, _LARGEST = 120, 2**17


class Memory:
    """Peak memory of this process for one input.

    Args:
        most: MB that an input may take.
    """

    def __init__(self, most: int):
        self.most = most
        # The hard limit counts addresses, of which libraries reserve many.
        limit = self._status("VmSize") + 4 * most * MEBIBYTE
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    def begin(self) -> None:
        """Forget the peak so far."""
        Path("/proc/self/clear_refs").write_text("5")
        self._before = self._status("VmRSS")

    def grown(self) -> float:
        """MB of the peak since `begin`."""
        return (self._status("VmHWM") - self._before) / MEBIBYTE

    @staticmethod
    def _status(key: str) -> int:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(key):
                return 1024 * int(line.split()[1])
        return 0


def main() -> None:
    """Check inputs FIRST to LAST of a format; print a line of JSON for each find."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("format")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--last", type=int, default=0)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--memory", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--file", type=Path, help="check this file alone")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        _check_all(Path(name), options)


def _check_all(folder: Path, options: argparse.Namespace) -> None:
    examples.write_examples(folder / "examples", options.format)
    files = sorted(path for path in (folder / "examples").rglob("*") if path.is_file())
    contents = [path.read_bytes() for path in files]
    own = folder / "own"
    own.mkdir()
    check = targets.target(options.format, own)
    if options.file is None:
        for path in files:
            # What is loaded once is not counted as memory of an input.
            _outcome(check, path, None)
    memory = Memory(options.memory)
    with open(options.state, "r+b") as file, mmap.mmap(file.fileno(), 32) as state:
        if options.file is not None:
            _report(options.format, -1, _outcome(check, options.file, memory, options.seconds))
        for number in range(options.first, options.last):
            state[:32] = f"{number}".encode().ljust(32)
            which, data = drawn(options.format, number, contents)
            path = folder / f"input{files[which].suffix}"
            path.write_bytes(data)
            outcome = _outcome(check, path, memory, options.seconds)
            if outcome is not None and outcome[0] == "exception" and len(data) <= _LARGEST:
                path.write_bytes(reduced(data, path, check, outcome))
            _report(options.format, number, outcome, path)
        state[:32] = b"done".ljust(32)


def drawn(format: str, number: int, contents: list[bytes]) -> tuple[int, bytes]:
    """The number of the example that an input comes from, and the input; always the same."""
    generator = random.Random(f"{format} {number}")
    which = generator.randrange(len(contents))
    return which, mutation.mutated(contents[which], contents, generator)


def _outcome(check, path, memory, seconds=20.0):
    """What is wrong with the answer to an input: its kind, place and text; None if nothing is."""
    from slr_keras.utils.errors import UserError

    if memory is not None:
        memory.begin()
    faulthandler.dump_traceback_later(seconds, exit=True)
    outcome = None
    try:
        check(path)
    except UserError as error:
        if _is_memory(error):
            outcome = "memory", _place(error), "MemoryError behind a UserError"
    except (Exception, SystemExit, RecursionError) as error:
        kind = "memory" if _is_memory(error) else "exception"
        outcome = kind, _place(error), f"{type(error).__name__}: {str(error)[:200]}"
    finally:
        faulthandler.cancel_dump_traceback_later()
    if outcome is None and memory is not None and (grown := memory.grown()) > memory.most:
        outcome = "memory", "", f"{grown:.0f} MB"
    return outcome


def _is_memory(error: BaseException | None) -> bool:
    for _ in range(20):
        if error is None:
            return False
        # FFmpeg checks what it asks for: PyAV's error of the same name is a refusal.
        if isinstance(error, MemoryError) and not type(error).__module__.startswith("av."):
            return True
        error = error.__cause__ or error.__context__
    return False


def _place(error: BaseException) -> str:
    """The innermost line of the project in a traceback, and the type of the error."""
    frames = traceback.extract_tb(error.__traceback__)
    root = str(HERE.parents[1])
    own = [
        frame
        for frame in frames
        if frame.filename.startswith((f"{root}/slr_keras", f"{root}/export"))
    ]
    where = f"{own[-1].filename.removeprefix(root + '/')}:{own[-1].lineno}" if own else "outside"
    return f"{type(error).__name__} {where}"


def reduced(data: bytes, path: Path, check, outcome) -> bytes:
    """A smaller input with the same outcome, found by leaving out pieces."""
    tries, size = 0, len(data) // 2
    while size and tries < _TRIES:
        start = 0
        while start < len(data) and tries < _TRIES:
            shorter = data[:start] + data[start + size :]
            path.write_bytes(shorter)
            tries += 1
            again = _outcome(check, path, None)
            if again is not None and again[:2] == outcome[:2]:
                data = shorter
            else:
                start += size
        size //= 2
    return data


def _report(format: str, number: int, outcome, path: Path | None = None) -> None:
    if outcome is None:
        return
    kind, place, text = outcome
    value = {"format": format, "number": number, "kind": kind, "place": place, "text": text}
    if path is not None:
        value |= {"suffix": path.suffix, "content": path.read_bytes()[:MEBIBYTE].hex()}
    print("FIND " + json.dumps(value), flush=True)


if __name__ == "__main__":
    main()
