"""Many videos: one that goes wrong costs itself alone."""

import os
import signal
import threading
import time

import numpy as np
import pytest

from slr_keras.extraction.run import Job, extract
from slr_keras.extraction.settings import Settings
from slr_keras.extraction.sources import find_sources, with_splits

pytest.importorskip("mediapipe")
pytest.importorskip("av")


@pytest.fixture
def sources(tmp_path, portrait, film):
    """A recording that would take an hour, and one of a single picture."""
    endless = tmp_path / "a.npy"
    np.lib.format.open_memmap(endless, "w+", np.uint8, (200_000, 30, 40, 3))
    return find_sources([str(endless), str(film(tmp_path / "b.mp4", [portrait]))])


def begun(job):
    """The process of a video that is being read."""
    until = time.monotonic() + 60
    while not job._open:
        assert time.monotonic() < until
        time.sleep(0.01)
    return next(iter(job._open))._process.pid


def test_a_worker_that_dies_does_not_stop_the_others(sources, tmp_path):
    job = Job(tmp_path / "data", Settings(fps=25.0))
    killer = threading.Thread(target=lambda: os.kill(begun(job), signal.SIGSEGV))
    killer.start()
    # One at a time: the first is killed, and the second comes after it.
    report, made = extract(with_splits(sources, "test"), job, workers=1)
    killer.join()
    assert made == 1
    assert [clip.id for clip in report.clips] == ["b"]
    ((path, why),) = report.failures.items()
    assert path == str(sources[0].path)
    assert "signal 11 (SIGSEGV)" in why
    assert not list((tmp_path / "data" / "clips").rglob("a*"))


def test_stopping_ends_what_is_being_read_at_once(sources, tmp_path):
    job = Job(tmp_path / "data", Settings(fps=25.0))
    found = []

    def do():
        try:
            job.do(sources[0])
        except InterruptedError as error:
            found.append(error)

    thread = threading.Thread(target=do)
    thread.start()
    begun(job)
    job.stop()
    thread.join(timeout=20)
    assert not thread.is_alive()
    assert len(found) == 1
    with pytest.raises(InterruptedError):
        job.do(sources[1])
