"""Two exports to one folder at once, or one killed between two renames, left no bundle.

The old folder was moved away before the new one took its name. Of two exports in a loop, 393 of
1,597 failed, and 378 folders were left.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading

import pytest

from slr_keras.utils import published_folder as module
from slr_keras.utils.published_folder import REPLACED, published_folder

SCRIPT = """
import sys
from pathlib import Path
from slr_keras.utils.published_folder import published_folder
for number in range(int(sys.argv[3])):
    with published_folder(Path(sys.argv[1])) as fresh:
        fresh.mkdir()
        for name in "ab":
            (fresh / name).write_text(f"{sys.argv[2]} {number}")
"""


def publish(folder, text, stays=lambda name: False):
    with published_folder(folder, stays) as fresh:
        fresh.mkdir()
        for name in "ab":
            (fresh / name).write_text(text)


def start(*arguments):
    return subprocess.Popen([sys.executable, "-c", SCRIPT, *map(str, arguments)])


def test_two_writers_at_once_both_succeed_and_the_folder_is_always_there(tmp_path):
    publish(tmp_path / "bundle", "first")
    writers = [start(tmp_path / "bundle", name, 60) for name in ("one", "two")]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        # Both files through one handle: the folder may be replaced between two reads.
        handle = os.open(tmp_path / "bundle", os.O_RDONLY)
        texts = set()
        # The files of a folder that was replaced are removed.
        with contextlib.suppress(FileNotFoundError):
            for name in "ab":
                with open(os.open(name, os.O_RDONLY, dir_fd=handle)) as file:
                    texts.add(file.read())
        os.close(handle)
        assert len(texts) <= 1
        seen |= texts
    assert [writer.returncode for writer in writers] == [0, 0]
    assert len(seen) > 1
    assert os.listdir(tmp_path) == ["bundle"]


def test_a_writer_killed_between_two_renames_leaves_a_folder_that_the_next_start_finds(
    tmp_path, monkeypatch
):
    """Where the system cannot exchange two folders in one step."""
    publish(tmp_path / "bundle", "old")
    process = os.fork()
    if not process:
        rename = os.rename
        os.rename = lambda one, two: (
            rename(one, two) if two.name == REPLACED else os.kill(os.getpid(), signal.SIGKILL)
        )
        module.exchanged = lambda *_: False
        publish(tmp_path / "bundle", "new")
        os._exit(0)
    assert os.waitpid(process, 0)[1] == signal.SIGKILL
    assert not (tmp_path / "bundle").exists()
    publish(tmp_path / "other", "x")
    assert (tmp_path / "bundle" / "a").read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == ["bundle", "other"]
    monkeypatch.setattr(module, "exchanged", lambda *_: False)
    publish(tmp_path / "bundle", "new")
    assert (tmp_path / "bundle" / "b").read_text() == "new"


def test_what_another_program_writes_meanwhile_is_not_lost(tmp_path, monkeypatch):
    publish(tmp_path / "data", "old")
    exchange = module.exchanged

    def late(one, other):
        (other / "flow").mkdir()
        (other / "flow" / "clip.zip").write_text("flow")
        (other / "mine.txt").write_text("mine")
        return exchange(one, other)

    monkeypatch.setattr(module, "exchanged", late)
    publish(tmp_path / "data", "new")
    assert sorted(os.listdir(tmp_path / "data")) == ["a", "b", "flow", "mine.txt"]
    assert (tmp_path / "data" / "flow" / "clip.zip").read_text() == "flow"


def test_files_that_stay_are_linked_and_not_copied(tmp_path):
    data = tmp_path / "data"
    publish(data, "old")
    (data / "clips").mkdir()
    (data / "clips" / "1.npz").write_bytes(b"large")
    before = (data / "clips" / "1.npz").stat().st_ino
    publish(data, "new", stays=lambda name: name.startswith("clips/"))
    assert (data / "clips" / "1.npz").stat().st_ino == before
    assert (data / "a").read_text() == "new"


@pytest.mark.parametrize("reason", ["no links", "a mount point"])
def test_where_a_folder_cannot_be_exchanged_its_files_are_replaced_manifests_last(
    tmp_path, monkeypatch, reason
):
    data = tmp_path / "data"
    publish(data, "old")
    (data / "stays").write_text("mine")
    if reason == "no links":

        def refused(*_, **__):
            raise PermissionError("no hard links")

        monkeypatch.setattr(os, "link", refused)
    else:
        monkeypatch.setattr(module, "_can_be_renamed", lambda folder: False)
    order = []
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (order.append(b.name), replace(a, b)))
    with published_folder(data, lambda name: name == "stays") as fresh:
        fresh.mkdir()
        for name in ("c.jsonl", "b", "d.json", "e.npy"):
            (fresh / name).write_text("new")
    assert order == ["b", "e.npy", "d.json", "c.jsonl"]
    assert sorted(os.listdir(data)) == ["b", "c.jsonl", "d.json", "e.npy", "stays"]
    assert os.listdir(tmp_path) == ["data"]


def test_the_folder_that_the_user_is_in_stays_the_same_one(tmp_path, monkeypatch):
    publish(tmp_path, "old")
    (tmp_path / "clips").mkdir()
    before = tmp_path.stat().st_ino
    monkeypatch.chdir(tmp_path / "clips")
    publish(tmp_path, "new")
    assert tmp_path.stat().st_ino == before
    assert (tmp_path / "a").read_text() == "new"
    assert os.listdir("..") == os.listdir(tmp_path)


def test_a_link_to_a_folder_stays_a_link(tmp_path):
    publish(tmp_path / "real", "old")
    (tmp_path / "data").symlink_to("real")
    publish(tmp_path / "data", "new")
    assert (tmp_path / "data").is_symlink()
    assert (tmp_path / "real" / "a").read_text() == "new"


def test_threads_that_publish_one_folder_wait_for_each_other(tmp_path):
    threads = [
        threading.Thread(target=publish, args=(tmp_path / "data", str(number)))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "data" / "a").read_text() == (tmp_path / "data" / "b").read_text()
    assert os.listdir(tmp_path) == ["data"]
