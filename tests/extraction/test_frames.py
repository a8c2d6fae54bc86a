"""Landmarks of real pictures, and what happens when the process that finds them does not go on."""

import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from slr_keras.data.contract import contract
from slr_keras.data.layout import layout
from slr_keras.data.rates import at_rate
from slr_keras.data.video.recordings import shown_in
from slr_keras.extraction import LAYOUT, Settings, landmark_frames
from slr_keras.extraction.frames import Window
from slr_keras.utils.errors import UserError

pytest.importorskip("mediapipe")
pytest.importorskip("av")

ROW = {name: row for row, name in enumerate(layout(LAYOUT).points)}

# Of the 79, what a portrait shows.
SEEN = [name for name in contract(LAYOUT).points if name.startswith("face_")]
SEEN += ["nose", *(f"{side}_{part}" for side in ("left", "right") for part in ("eye", "shoulder"))]


def taken(source, settings=None, **options):
    with landmark_frames(source, settings, **options) as frames:
        found = list(frames)
        return [f.seconds for f in found], np.stack([f.points for f in found]), frames.image_size


@pytest.fixture(scope="module")
def upright(tmp_path_factory, portrait, film):
    """Times, points and size of a portrait that moves to the right, shown at uneven times."""
    pictures = [np.roll(portrait, 12 * number, axis=1) for number in range(4)]
    path = film(tmp_path_factory.mktemp("film") / "a.mp4", pictures, [0, 40, 200, 240])
    return path, taken(path, Settings(fps=25.0))


@pytest.fixture
def endless(tmp_path, portrait):
    """More pictures than can be looked at before the test is over."""
    path = tmp_path / "long.npy"
    # Black, so that the file takes no place.
    np.lib.format.open_memmap(path, "w+", np.uint8, (20_000, *portrait.shape))
    return path


def test_a_varying_video_gives_frames_at_a_steady_rate_by_its_times(upright):
    path, (seconds, points, size) = upright
    assert size == (256, 300)
    # As many as the video reader gives, and as the times mean: the file says when the last ends.
    assert len(seconds) == len(list(at_rate(shown_in(path, 25.0), 25.0))) >= 7
    assert seconds == pytest.approx(np.arange(len(seconds)) / 25)
    nose = points[:, ROW["nose"], 0]
    # The second picture is shown from 0.04 s to 0.2 s, and its landmarks are found once.
    assert (nose[1] == nose[2:5]).all()
    assert nose[0] < nose[1] < nose[5] < nose[6]
    assert (nose[6] == nose[6:]).all()


def test_pose_and_face_agree_on_where_the_features_are_and_on_left_and_right(upright):
    _, (_, points, _) = upright
    first = points[0]
    assert (first[: ROW["left_elbow"], 3] > 0.5).all()
    assert (first[33:501, 3] == 1).all()

    def at(name):
        return first[ROW[name], :2]

    width = np.linalg.norm(at("face_0") - at("face_16"))
    # COCO and MediaPipe call the signer's left left; iBUG numbers from the signer's right.
    for one, other in (
        ("mouth_left", "face_54"),
        ("mouth_right", "face_48"),
        ("left_eye_outer", "face_45"),
        ("left_eye_inner", "face_42"),
        ("right_eye_inner", "face_39"),
        ("right_eye_outer", "face_36"),
        ("nose", "face_30"),
    ):
        assert np.linalg.norm(at(one) - at(other)) < 0.12 * width, (one, other)
    assert at("left_eye")[0] > at("right_eye")[0]
    # Downwards: brows, eyes, nose, lips, chin.
    rows = [at(name)[1] for name in ("face_20", "face_36", "face_30", "face_51", "face_57")]
    assert rows == sorted(rows)
    assert at("face_6")[1] > at("face_57")[1]


def test_hands_that_were_not_found_are_missing_and_stay_so(upright):
    _, (_, points, size) = upright
    assert not points[:, 501:].any()
    rules = contract(LAYOUT, image_size=size)
    missing = rules.missing(rules.select(points))
    hands = [row for row, name in enumerate(rules.points) if ROW[name] >= 501]
    assert missing[:, hands].all()
    seen = [row for row, name in enumerate(rules.points) if name in SEEN]
    assert not missing[:, seen].any()
    prepared = rules.prepare(points)
    assert np.isfinite(prepared).all()
    assert not prepared[:, hands].any()


def test_a_video_that_lies_is_read_upright(upright, tmp_path, portrait, film, turned):
    lying = film(tmp_path / "lying.mp4", [np.rot90(portrait)])
    _, points, size = taken(turned(lying, tmp_path / "turned.mp4"), Settings(fps=25.0))
    assert size == (256, 300)
    assert len(points) == 1
    _, (_, expected, _) = upright
    seen = [ROW[name] for name in SEEN]
    assert np.abs(points[0, seen, :2] - expected[0, seen, :2]).max() < 6


def test_a_window_is_read_out_of_a_longer_recording(tmp_path, portrait):
    save_shifted(tmp_path / "a.npy", portrait, (60, 0, 8, 60))
    seconds, points, _ = taken(tmp_path / "a.npy", window=Window(1, 2), still_rate=10.0)
    assert seconds == pytest.approx([0, 0.1])
    # MediaPipe's filter of jitter lets this much of 8 pixels pass in a tenth of a second.
    assert 5.3 < points[1, 0, 0] - points[0, 0, 0] < 8


def test_the_filter_of_jitter_goes_by_the_pictures_own_times(tmp_path, portrait):
    save_shifted(tmp_path / "a.npy", portrait, (0, 8))
    seconds, points, _ = taken(tmp_path / "a.npy", rate=120.0)
    assert seconds == pytest.approx([0, 1 / 120])
    # By MediaPipe's own clock of 30 pictures a second it is 4.5 pixels, whatever the rate.
    assert 0.5 < points[1, 0, 0] - points[0, 0, 0] < 3.2


def save_shifted(path, portrait, shifts):
    np.save(path, np.stack([np.roll(portrait, shift, axis=1) for shift in shifts]))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("broken.mp4", b"\0\0\0\x18ftypmp42 and no more", "truncated, or not a video"),
        ("empty.mp4", b"", "truncated, or not a video"),
        ("gone.mp4", None, "no such file"),
    ],
)
def test_what_is_damaged_or_not_there_is_named(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=f"{name}: .*{message}"):
        taken(tmp_path / name)


def test_an_array_without_pictures_is_named(tmp_path):
    np.save(tmp_path / "none.npy", np.zeros((0, 30, 20, 3), np.uint8))
    with pytest.raises(UserError, match=r"none.npy: has no pictures"):
        taken(tmp_path / "none.npy")


def test_a_process_that_dies_is_told_with_its_signal(endless):
    with landmark_frames(endless) as frames:
        next(frames)
        os.kill(frames._process.pid, signal.SIGKILL)
        with pytest.raises(UserError, match=r"long.npy: the process .* signal 9 \(SIGKILL\)"):
            for _ in frames:
                pass
    with pytest.raises(StopIteration):
        next(frames)


def test_a_process_that_hangs_is_stopped(endless):
    with landmark_frames(endless) as frames:
        next(frames)
        os.kill(frames._process.pid, signal.SIGSTOP)
        frames.patience = 0.5
        with pytest.raises(UserError, match=r"long.npy: MediaPipe gave no frame for 0.5 seconds"):
            for _ in frames:
                pass
        assert frames._process.returncode == -signal.SIGKILL


def test_the_process_ends_with_its_parent_even_where_it_hangs(tmp_path, monkeypatch):
    # Whoever reads a picture in the worker waits for longer than the test.
    (tmp_path / "1.png").touch()
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, time\n"
        "if 'slr_keras.extraction.worker' in sys.orig_argv:\n"
        "    from slr_keras.data.video import reading\n"
        "    reading.read_picture = lambda *_: time.sleep(600)\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, sys.path)]))
    program = (
        "import sys, time; from slr_keras.extraction import landmark_frames\n"
        "frames = landmark_frames(sys.argv[1])\n"
        "print(frames._process.pid, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    worker = int(parent.stdout.readline())
    time.sleep(8)
    assert alive(worker)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until = time.monotonic() + 20
    while alive(worker):
        assert time.monotonic() < until, "the worker outlived its parent"
        time.sleep(0.05)


def alive(process: int) -> bool:
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_landmarks_are_found_without_a_network(upright):
    path, (_, points, _) = upright
    offline = ["unshare", "--map-root-user", "--net"]
    if not shutil.which("unshare") or subprocess.run([*offline, "true"]).returncode:
        pytest.skip("this system does not let a process be cut off from the network")
    program = (
        "import sys; from slr_keras.extraction import Settings, landmark_frames\n"
        "found = list(landmark_frames(sys.argv[1], Settings(fps=25.0)))\n"
        "print(len(found), found[0].points[0, 0])"
    )
    done = subprocess.run(
        [*offline, sys.executable, "-c", program, str(path)], capture_output=True, text=True
    )
    assert done.stderr == ""
    count, nose = done.stdout.split()
    assert (int(count), float(nose)) == (len(points), pytest.approx(points[0, 0, 0], abs=0.5))


def test_the_process_refuses_to_speak_to_others():
    program = (
        "import socket, sys; from slr_keras.extraction import worker\n"
        "sys.addaudithook(worker._offline)\n"
        "socket.create_connection(('127.0.0.1', 9))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "PermissionError: keypoints are found offline" in done.stderr


def test_without_mediapipe_the_user_is_told_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    with pytest.raises(UserError, match=r"needs mediapipe; pip install 'slr-keras\[keypoints"):
        landmark_frames(tmp_path / "a.mp4")


def test_a_mediapipe_without_models_is_refused(monkeypatch, tmp_path):
    (tmp_path / "mediapipe").mkdir()
    (tmp_path / "mediapipe" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "mediapipe", raising=False)
    with pytest.raises(UserError, match=r"carries no models of Holistic.*0\.10\.21"):
        landmark_frames(tmp_path / "a.mp4")


@pytest.mark.parametrize(
    "setting", [{"fps": 0.5}, {"fps": float("nan")}, {"detection": 1.5}, {"tracking": -1}]
)
def test_settings_that_cannot_be_are_refused(setting):
    with pytest.raises(UserError, match="give a"):
        Settings(**setting)


@pytest.mark.long
@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["doctor_001", "hoy_001"])
def test_hands_hang_at_the_wrists_of_their_side_in_real_signing(shared_data, name):
    path = shared_data / "msl150_sample" / f"{name}.mp4"
    _, points, _ = taken(path, Settings(fps=5.0))
    for side, other in (("left", "right"), ("right", "left")):
        hand = points[:, ROW[f"{side}_hand_wrist"]]
        found = hand[:, 3] > 0
        if not found.any():
            continue
        own, far = (
            np.linalg.norm(hand[found, :2] - points[found, ROW[f"{which}_wrist"], :2], axis=-1)
            for which in (side, other)
        )
        assert np.median(own) < 40 < np.median(far)
    assert (points[:, ROW["right_hand_wrist"], 3] > 0).mean() > 0.8
