"""Validation of folders with video: what is missing or miscounted is found without decoding all."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from slr_keras.data.contract import contract
from slr_keras.data.manifest import read_folder, write_manifest
from slr_keras.data.sample import Sample
from slr_keras.data.validation.folder import validate_folder
from slr_keras.data.video import reading


def kinds(report) -> list[tuple[str, str]]:
    return [(finding.kind, finding.sample) for finding in report.findings]


def test_a_folder_of_video_alone_is_sound(video_folder):
    report = validate_folder(video_folder)
    assert report.errors == ()
    assert kinds(report) == [("one-frame-clip", "single"), ("missing-split", "")]
    assert report.splits["train"].missing_share is None


def test_only_the_first_picture_of_a_clip_is_decoded(video_folder, monkeypatch):
    read = []
    original = reading.read_picture
    monkeypatch.setattr(
        reading, "read_picture", lambda path, size: read.append(path.name) or original(path, size)
    )
    validate_folder(video_folder)
    assert read == ["images0001.png"] * 2
    validate_folder(video_folder, deep=False)
    assert len(read) == 2


def test_missing_miscounted_and_oddly_sized_video_is_found(video_folder):
    (video_folder / "frames/pictures/images0003.png").unlink()
    Image.new("RGB", (5, 5)).save(video_folder / "frames/single/images0001.png")
    (video_folder / "own.npy").unlink()
    np.save(video_folder / "train.frames.npy", np.zeros((9, 20, 24, 3), np.uint8))
    report = validate_folder(video_folder)
    found = {f.sample: f.what for f in report.errors if f.kind == "video"}
    assert sorted(found) == ["own", "pictures", "shared-2", "single"]
    assert "has 12 frames, but the manifest says 13" in found["pictures"]
    assert "is 5 x 5 pixels" in found["single"]


def test_a_video_file_of_another_length_is_found(video_folder):
    av = pytest.importorskip("av")
    for name in ("clip.mp4", "clip.mkv"):
        with av.open(str(video_folder / name), "w") as container:
            stream = container.add_stream("mpeg4", rate=25)
            stream.width, stream.height = 24, 20
            for _ in range(8):
                frame = av.VideoFrame.from_ndarray(np.zeros((20, 24, 3), np.uint8), "rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    samples = [
        Sample("right", ("RAIN",), 8, video="clip.mp4"),
        Sample("wrong", ("RAIN",), 9, video="clip.mp4"),
        Sample("untold", ("RAIN",), 8, video="clip.mkv"),
    ]
    write_manifest(video_folder / "train.jsonl", samples)
    report = validate_folder(video_folder)
    assert [(f.sample, f.what[-44:]) for f in report.errors] == [
        ("wrong", "clip.mp4: has 8 frames, but the manifest says 9"[-44:])
    ]


def test_a_contract_that_cannot_be_read_is_found(video_folder):
    (video_folder / "frames.json").write_text('{"size": [0, 5], "fps": 25}')
    (finding,) = validate_folder(video_folder).errors
    assert finding.kind == "contract"
    assert "size is [0, 5]" in finding.what
    assert "FrameContract.write" in finding.advice


def test_clips_without_what_a_contract_describes_are_counted(video_folder):
    contract("kinect_20", fps=25.0).write(video_folder / "keypoints.json")
    np.save(video_folder / "points.npy", np.random.default_rng(0).normal(size=(13, 20, 4)))
    samples = list(read_folder(video_folder)["train"])
    samples[0] = dataclasses.replace(samples[0], keypoints="points.npy")
    samples.append(Sample("blind", ("RAIN",), 13, keypoints="points.npy"))
    write_manifest(video_folder / "train.jsonl", samples)
    report = validate_folder(video_folder)
    assert report.errors == ()
    assert {("no-keypoints", "own"), ("no-video", "blind")} <= set(kinds(report))
    assert "4 of 6 clips" in next(f.what for f in report.findings if f.kind == "no-keypoints")


def test_another_frame_rate_than_frames_json_is_found(video_folder):
    samples = [dataclasses.replace(s, fps=30.0) for s in read_folder(video_folder)["train"]]
    write_manifest(video_folder / "train.jsonl", samples)
    (finding,) = [f for f in validate_folder(video_folder).findings if f.kind == "frame-rate"]
    assert "frames.json states 25 (5 of 5 clips)" in finding.what
