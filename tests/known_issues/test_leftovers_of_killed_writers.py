"""Temporary files of killed processes stayed for ever, and names were not written to the disk.

35 kills left 81 MB in one run. After a power failure, a file could be missing although its rename
had succeeded: the folder was never synchronised.
"""

import os
import signal
import stat
import subprocess
import sys

import pytest

from slr_keras.utils.files import atomic_path, write_text

SCRIPT = """
import sys
from slr_keras.utils.files import atomic_path
with atomic_path(sys.argv[1]) as temporary:
    temporary.write_text("x" * 100000)
    print("writing", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def writer(tmp_path):
    """A process that is in the middle of writing `a.txt`."""
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "a.txt")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "writing\n"
    yield process
    process.kill()
    process.communicate()


def test_the_next_writer_removes_what_a_killed_one_left(writer, tmp_path):
    assert len(os.listdir(tmp_path)) == 1
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    write_text(tmp_path / "b.txt", "b")
    assert os.listdir(tmp_path) == ["b.txt"]


def test_what_a_living_writer_is_writing_stays(writer, tmp_path):
    write_text(tmp_path / "b.txt", "b")
    assert len(os.listdir(tmp_path)) == 2
    writer.communicate("")
    assert sorted(os.listdir(tmp_path)) == ["a.txt", "b.txt"]
    assert (tmp_path / "a.txt").stat().st_size == 100000


def test_the_folder_is_on_the_disk_after_the_file_has_its_name(tmp_path, monkeypatch):
    synchronised = []
    fsync = os.fsync

    def seen(handle):
        path = os.readlink(f"/proc/self/fd/{handle}")
        kind = "folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file"
        synchronised.append((kind, path, (tmp_path / "a.txt").exists()))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", seen)
    with atomic_path(tmp_path / "a.txt") as temporary:
        temporary.write_text("a")
    assert [kind for kind, *_ in synchronised] == ["file", "folder"]
    assert synchronised[-1] == ("folder", str(tmp_path), True)


def test_many_small_files_do_not_cost_a_search_of_the_folder_each(tmp_path, monkeypatch):
    searches = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: searches.append(path) or scandir(path))
    for number in range(2000):
        (tmp_path / f"{number}").touch()
    for number in range(100):
        write_text(tmp_path / f"{number}.txt", "x")
    assert len(searches) < 60


def test_files_of_the_user_that_are_hidden_stay(tmp_path):
    for name in (".a.txt", ".a-12345678.txt"):
        (tmp_path / name).write_text("mine")
    for name in (".a.folder", ".a.unfinished", ".a.thesis.unfinished"):
        (tmp_path / name).mkdir()
    write_text(tmp_path / "a.txt", "a")
    assert len(os.listdir(tmp_path)) == 6
