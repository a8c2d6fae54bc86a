"""`python -m slr_keras.flow`: each clip's flow once, whatever stops the command."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from PIL import Image

from slr_keras.data.loaders.factory import loader_for
from slr_keras.data.loaders.options import ClipOptions
from slr_keras.data.manifest import read_folder, write_manifest
from slr_keras.data.sample import Sample
from slr_keras.data.segments import Segments
from slr_keras.data.video import flow_files
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.video.flow import fields_of
from slr_keras.data.video.flow_files import FlowFile
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.flow import main
from slr_keras.utils.errors import UserError

pytest.importorskip("cv2")

LENGTHS = {"a": 5, "b": 1, "c": 7}


def pictures(name, frames):
    rng = np.random.default_rng(len(name) + frames)
    start = rng.integers(0, 256, (6, 6, 3), np.uint8)
    large = np.asarray(Image.fromarray(start).resize((80, 80), Image.Resampling.BICUBIC))
    return np.stack([large[8:56, 2 * n : 2 * n + 64] for n in range(frames)])


@pytest.fixture
def folder(tmp_path):
    """Two splits of short clips: an array each, and one of a folder of pictures."""
    data = tmp_path / "data"
    data.mkdir()
    FrameContract((64, 48), resize=(32, 24), crop=(24, 24)).write(data / "frames.json")
    samples = []
    for name, frames in LENGTHS.items():
        np.save(data / f"{name}.npy", pictures(name, frames))
        samples.append(Sample(name, ("RAIN",), frames, video=f"{name}.npy"))
    write_manifest(data / "train.jsonl", samples)
    (data / "shown").mkdir()
    for number, picture in enumerate(pictures("shown", 4)):
        Image.fromarray(picture).save(data / "shown" / f"{number}.png")
    write_manifest(data / "dev.jsonl", [Sample("a", ("RAIN",), 4, video="shown")])
    return data


def flow(folder, *options):
    return main([str(folder), "--method", "dis", "--workers", "2", *options])


def stamps(folder):
    return {path: path.stat().st_mtime_ns for path in (folder / "flow").rglob("*.zip")}


def test_every_clip_gets_the_flow_of_its_resized_pictures(folder, capsys):
    assert flow(folder) == 0
    assert "flow of 4 clips made, of 0 there already" in capsys.readouterr().out
    for split, manifest in read_folder(folder).items():
        for sample in manifest:
            file = FlowFile(folder / "flow" / split / f"{sample.id}.zip")
            expected = list(fields_of(manifest.load_video(sample), "dis", (32, 24)))
            found = file.fields(range(sample.frames - 1))
            np.testing.assert_array_equal(list(found.values()), expected)


def test_a_second_run_makes_only_what_has_changed(folder, capsys):
    flow(folder)
    before = stamps(folder)
    assert flow(folder) == 0
    assert "of 0 clips made, of 4 there already" in capsys.readouterr().out
    assert stamps(folder) == before
    np.save(folder / "a.npy", pictures("a", 5)[::-1])
    Image.fromarray(pictures("shown", 9)[8]).save(folder / "shown" / "2.png")
    (folder / "flow/train/c.zip").write_bytes(b"torn")
    assert flow(folder) == 0
    assert "of 3 clips made, of 1 there already" in capsys.readouterr().out


@pytest.mark.parametrize(
    "change", [("--bound", "32"), ("--method", "farneback"), ("--format", "jpeg")]
)
def test_flow_made_otherwise_is_made_again(folder, capsys, change):
    flow(folder)
    flow(folder, *change)
    assert "of 4 clips made, of 0 there already" in capsys.readouterr().out
    records = [FlowFile(path).record for path in stamps(folder)]
    settings = json.loads((folder / "flow/flow.json").read_text())
    assert all(settings.items() <= record.items() for record in records)


def test_broken_clips_stop_no_other_and_are_named_at_the_end(folder, capsys):
    flow(folder)
    (folder / "a.npy").write_bytes(b"")
    (folder / "shown" / "1.png").write_bytes(b"no picture")
    capsys.readouterr()
    assert flow(folder, "--bound", "10") == 2
    printed = capsys.readouterr()
    assert "of 2 clips made" in printed.out
    assert "train.jsonl:1: sample 'a'" in printed.err
    assert "dev.jsonl:1: sample 'a'" in printed.err
    assert "2 clips have no flow" in printed.err
    # The flow of other pictures is gone; that of a file which may only be out of reach is kept, and
    # says how it was made.
    assert not (folder / "flow/dev/a.zip").exists()
    assert FlowFile(folder / "flow/train/a.zip").record["bound"] == 20


def test_flow_of_pictures_that_have_changed_is_not_read(folder):
    flow(folder)
    dev = read_folder(folder)["dev"]

    def load():
        options = ClipOptions(segments=Segments(4), stream="flow")
        return loader_for(dev, Vocabulary(("RAIN",)), dev.frame_contract, options).load(0)

    load()
    Image.fromarray(pictures("shown", 9)[8][::-1, ::-1]).save(folder / "shown" / "2.png")
    with pytest.raises(UserError, match=r"a.zip: was made with bytes .*; run .*slr flow"):
        load()
    flow(folder)
    load()
    # The flow alone is enough, where pictures are left behind.
    shutil.rmtree(folder / "shown")
    load()


def test_a_stopped_run_does_not_finish_its_clips(folder, monkeypatch):
    from slr_keras.data.video import flow as estimation

    begun = threading.Event()

    class Slow:
        def calc(self, before, after, nothing):
            begun.set()
            time.sleep(0.2)
            return np.zeros((*before.shape, 2), np.float32)

    slow = estimation.Method("slow", {"preset": "MEDIUM"}, lambda settings: Slow())
    monkeypatch.setattr(estimation, "METHODS", {"dis": slow})
    monkeypatch.setattr(flow_files, "METHODS", {"dis": slow})

    def interrupted(tasks, **options):
        begun.wait(30)
        raise KeyboardInterrupt

    monkeypatch.setattr("tqdm.tqdm", interrupted)
    with pytest.raises(KeyboardInterrupt):
        flow(folder)
    # The one picture of b takes no time.
    assert {path.stem for path in stamps(folder)} <= {"b"}


def test_a_killed_run_leaves_no_half_file_and_goes_on(folder, capsys):
    samples = []
    for number in range(60):
        np.save(folder / f"{number}.npy", pictures("long", 8))
        samples.append(Sample(str(number), ("RAIN",), 8, video=f"{number}.npy"))
    write_manifest(folder / "train.jsonl", samples)
    command = [sys.executable, "-m", "slr_keras.flow", str(folder), "--method", "farneback"]
    process = subprocess.Popen([*command, "--workers", "1"])
    deadline = time.monotonic() + 120
    while len(list((folder / "flow").glob("*/[0-9]*.zip"))) < 5:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = stamps(folder)
    done = {path: stamp for path, stamp in before.items() if not path.name.startswith(".")}
    assert len(done) < 61
    for path in done:
        assert len(FlowFile(path).fields(range(3))) == 3
    # As if it had been killed while writing.
    (folder / "flow/train/.7-abc.zip").write_bytes(b"half")
    assert main([str(folder), "--method", "farneback"]) == 0
    after = stamps(folder)
    assert len(after) == 61
    assert done.items() <= after.items()


def test_what_has_no_video_is_refused(folder):
    (folder / "frames.json").unlink()
    with pytest.raises(UserError, match=r"keypoints.json"):
        flow(folder)
    FrameContract((64, 48)).write(folder / "frames.json")
    with pytest.raises(SystemExit):
        flow(folder, "--bound", "0")
    with pytest.raises(SystemExit):
        flow(folder, "--method", "guess")
