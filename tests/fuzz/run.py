"""Read mutated files, pipes and requests, and keep what is not refused in words.

    python tests/fuzz/run.py --count 10000 --to build/fuzz
    python tests/fuzz/run.py --formats mp4 recipe --count 100
    python tests/fuzz/run.py --repeat recipe build/fuzz/recipe-3f2a.yaml

Every input must be read or refused with a `UserError`. A find is another exception, the end of the
process, more than --seconds, or more than --memory. Inputs are the same in every run: input N of a
format depends on the format, N and the examples alone.
"""

import argparse
import contextlib
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent / "helpers"), str(HERE)]

import child  # noqa: E402
import examples  # noqa: E402

CHILD = HERE / "child.py"
# Processes that may be ended by inputs before a format is given up.
_ENDS = 50


@dataclass
class Tally:
    """Result of a format: number of inputs, and finds by kind and place.

    Attributes:
        inputs: number of inputs that were read.
        finds: number of finds by kind and place.
        files: file of the first find of each.
        texts: message of the first find of each.
        seconds: of the run.
        broken: why the format could not be run; "" if it could.
    """

    inputs: int = 0
    finds: dict[tuple[str, str], int] = field(default_factory=dict)
    files: dict[tuple[str, str], Path] = field(default_factory=dict)
    texts: dict[tuple[str, str], str] = field(default_factory=dict)
    seconds: float = 0.0
    broken: str = ""


def fuzz(format: str, count: int, kept: Path, memory: int, seconds: float, first: int = 0) -> Tally:
    """Check inputs of a format in child processes.

    Args:
        format: one of `examples.FORMATS`.
        count: number of inputs.
        kept: folder for the finds; created with the first one.
        memory: MB that an input may take.
        seconds: that an input may take.
        first: number of the first input.
    """
    tally, at, last, started, silent = Tally(), first, first + count, time.monotonic(), 0
    while at < last:
        reached, value, problem = _run(format, at, last, memory, seconds, tally, kept)
        if reached is None:
            break
        if reached < 0:
            tally.broken = problem
            break
        tally.inputs += reached + 1 - at
        keep(value, tally, kept)
        silent += 1
        if silent >= _ENDS:
            tally.broken = f"{silent} processes were ended"
            break
        at = reached + 1
    else:
        tally.seconds = time.monotonic() - started
        return tally
    if not tally.broken:
        tally.inputs = count
    tally.seconds = time.monotonic() - started
    return tally


def _run(format, at, last, memory, seconds, tally, kept):
    """One process: the input that ended it (None: none did), its find, and its messages."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder, "state")
        state.write_bytes(b"-1".ljust(32))
        command = [sys.executable, "-W", "ignore", str(CHILD), format]
        command += ["--first", str(at), "--last", str(last), "--state", str(state)]
        command += ["--memory", str(memory), "--seconds", str(seconds)]
        with open(Path(folder, "errors"), "w+") as errors:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
            with process:
                for line in process.stdout:
                    with contextlib.suppress(ValueError):
                        if line.startswith("FIND "):
                            keep(json.loads(line[5:]), tally, kept)
            errors.seek(0)
            problem = errors.read()
        reached = state.read_text().strip()
    if reached == "done":
        return None, None, ""
    number = int(reached)
    late = "Timeout (" in problem
    lines = [
        line.strip() for line in problem.splitlines() if "/slr_keras/" in line or "/export/" in line
    ]
    value = {
        "format": format,
        "number": number,
        "kind": "time" if late else "crash",
        "place": lines[0][-90:] if late and lines else f"exit {process.returncode}",
        "text": f"more than {seconds:g} s" if late else problem[-300:],
    }
    return number, value, problem[-2000:]


def keep(value: dict, tally: Tally, kept: Path) -> None:
    """Count a find; its file is kept if it is the first of its kind and place."""
    key = value["kind"], value["place"]
    tally.finds[key] = tally.finds.get(key, 0) + 1
    if tally.finds[key] > 1:
        return
    content = bytes.fromhex(value["content"]) if "content" in value else None
    suffix = value.get("suffix")
    if content is None:
        suffix, content = made(value["format"], value["number"])
    name = f"{value['format']}-{hashlib.sha256(content).hexdigest()[:8]}{suffix}"
    kept.mkdir(parents=True, exist_ok=True)
    (kept / name).write_bytes(content)
    tally.files[key], tally.texts[key] = kept / name, value["text"]


def made(format: str, number: int) -> tuple[str, bytes]:
    """Suffix and content of an input, made again."""
    with tempfile.TemporaryDirectory() as folder:
        examples.write_examples(Path(folder), format)
        files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
        which, data = child.drawn(format, number, [path.read_bytes() for path in files])
        return files[which].suffix, data


def lines_of(format: str, tally: Tally) -> Iterator[str]:
    """The report of a format."""
    found = sum(tally.finds.values())
    kinds = f"{found} finds of {len(tally.finds)} kinds"
    yield f"{format}: {tally.inputs:,} inputs in {tally.seconds:.0f} s, {kinds}"
    if tally.broken:
        yield f"  could not be run to its end: {tally.broken.strip()[-600:]}"
    for key, count in sorted(tally.finds.items(), key=lambda pair: -pair[1]):
        kind, place = key
        yield f"  {count:>5} {kind:9} {place}"
        yield f"        {' '.join(tally.texts[key].split())[:160]}"
        yield f"        python tests/fuzz/run.py --repeat {format} {tally.files[key]}"


def main(arguments: list[str] | None = None) -> int:
    """Run; returns 1 if there is a find."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--formats", nargs="+", choices=examples.FORMATS, default=examples.FORMATS)
    parser.add_argument("--count", type=int, default=1000, help="inputs of each format")
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--to", type=Path, default=Path("build/fuzz"), help="folder for finds")
    parser.add_argument("--memory", type=int, default=400, help="MB that an input may take")
    parser.add_argument("--seconds", type=float, default=20.0, help="that an input may take")
    parser.add_argument("--repeat", nargs=2, metavar=("FORMAT", "FILE"), help="read a find again")
    options = parser.parse_args(arguments)
    if options.repeat:
        return repeat(*options.repeat, options)
    bad = False
    for format in options.formats:
        tally = fuzz(
            format, options.count, options.to, options.memory, options.seconds, options.first
        )
        print("\n".join(lines_of(format, tally)), flush=True)
        bad = bad or bool(tally.finds or tally.broken)
    return int(bad)


def repeat(format: str, file: str, options: argparse.Namespace) -> int:
    """Read one file in a process of its own; returns its exit code, or 1 for a find."""
    with tempfile.NamedTemporaryFile() as state:
        state.write(b"-1".ljust(32))
        state.flush()
        command = [sys.executable, "-W", "ignore", str(CHILD), format, "--file", file]
        command += ["--state", state.name, "--memory", str(options.memory)]
        done = subprocess.run([*command, "--seconds", str(options.seconds)], stdout=subprocess.PIPE)
    print(done.stdout.decode() or "read, or refused in words")
    return done.returncode or int(b"FIND" in done.stdout)


if __name__ == "__main__":
    sys.exit(main())
