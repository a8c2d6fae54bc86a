"""A short, seeded form of `make fuzz`, and the harness itself."""

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def harness():
    sys.path.insert(0, str(HERE))
    try:
        import run

        yield run
    finally:
        sys.path.remove(str(HERE))


# One format of each kind of reader; `make fuzz` has them all.
@pytest.mark.parametrize("format", ["mp4", "npz", "trn", "language-model"])
def test_mutated_files_are_read_or_refused_in_words(harness, format, tmp_path):
    tally = harness.fuzz(format, 30, tmp_path, memory=400, seconds=30.0)
    report = "\n".join(harness.lines_of(format, tally))
    assert tally.inputs == 30
    assert not tally.broken, report
    assert not tally.finds, report


TARGETS = {
    "exception": "def check(path): raise KeyError('a')",
    "memory": "def check(path): b'x' * (300 * 2**20)",
    "time": "def check(path):\n while True: pass",
    "crash": "def check(path): __import__('os').abort()",
}


@pytest.mark.parametrize("kind", TARGETS)
def test_every_kind_of_find_is_noticed_and_named(harness, kind, tmp_path, monkeypatch):
    """The child's target is replaced by one that fails, after the examples were read."""
    source = (HERE / "child.py").read_text()
    broken = TARGETS[kind] + "\n"
    source = source.replace(
        "    memory = Memory(options.memory)\n",
        "    memory = Memory(options.memory)\n"
        + "".join(f"    {line}\n" for line in broken.splitlines()),
    )
    source = source.replace("HERE = Path(__file__).resolve().parent", f"HERE = Path({str(HERE)!r})")
    (tmp_path / "child.py").write_text(source)
    monkeypatch.setattr(harness, "CHILD", tmp_path / "child.py")
    tally = harness.fuzz("grammar", 2, tmp_path / "kept", memory=100, seconds=3.0)
    assert [(found, count) for (found, _), count in tally.finds.items()] == [(kind, 2)]
    kept = list(tally.files.values())
    assert kept[0].read_bytes() is not None
    assert "--repeat grammar" in "\n".join(harness.lines_of("grammar", tally))


def test_an_input_is_the_same_in_every_run(harness):
    assert harness.made("recipe", 17) == harness.made("recipe", 17)
    assert harness.made("recipe", 17) != harness.made("recipe", 18)


def test_a_find_is_repeated_by_the_command_that_is_printed(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("RAIN SUN\n")
    command = [sys.executable, "-W", "ignore", HERE / "run.py", "--repeat", "grammar", path]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "refused in words" in done.stdout
