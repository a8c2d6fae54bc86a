"""The scripts around the Android core's keypoints: models, engine, pictures, comparison."""

import importlib.util
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

DEMO = Path(__file__).resolve().parents[2] / "android_demo"
DESKTOP = DEMO / "desktop"


@pytest.fixture(scope="module")
def fetching() -> ModuleType:
    import fetch_keypoint_models

    return fetch_keypoint_models


@pytest.fixture(scope="module")
def comparing() -> ModuleType:
    import compare_keypoints

    return compare_keypoints


@pytest.fixture(scope="module")
def models(fetching, tmp_path_factory) -> Path:
    if importlib.util.find_spec("mediapipe") is None:
        pytest.skip("needs mediapipe 0.10.21, which carries the models")
    folder = tmp_path_factory.mktemp("models")
    assert fetching.main(["--output", str(folder), "--offline"]) == 0
    return folder


class TestModels:
    def test_a_model_of_another_checksum_is_refused_and_not_stored(
        self, fetching, tmp_path, capsys
    ):
        for name in fetching.MODELS:
            path = tmp_path / "package/modules" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"another model")
        code = fetching.main(
            ["--output", str(tmp_path / "out"), "--package", str(tmp_path / "package")]
        )
        assert code == 2
        assert "pose_detection.tflite has SHA-256" in capsys.readouterr().err
        assert not list((tmp_path / "out").glob("*.tflite"))

    def test_without_the_package_and_offline_the_message_says_what_to_install(
        self, fetching, tmp_path, capsys
    ):
        arguments = ["--output", str(tmp_path), "--package", str(tmp_path / "none"), "--offline"]
        assert fetching.main(arguments) == 2
        assert "pip install 'mediapipe==0.10.21'" in capsys.readouterr().err

    def test_a_damaged_file_is_replaced_and_the_licence_lies_beside(
        self, fetching, models, tmp_path
    ):
        folder = tmp_path / "again"
        shutil.copytree(models, folder)
        (folder / "hand_recrop.tflite").write_bytes(b"half a mod")
        assert fetching.main(["--output", str(folder), "--offline"]) == 0
        repaired = (folder / "hand_recrop.tflite").read_bytes()
        assert repaired == (models / "hand_recrop.tflite").read_bytes()
        assert "Apache License" in (folder / "NOTICE.txt").read_text()
        assert len(list(folder.iterdir())) == 8


class Engine:
    """Speaks to engine_process.py as the desktop runner does."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, DESKTOP / "engine_process.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def __call__(self, kind: bytes, content: bytes) -> tuple[bytes, bytes]:
        self.process.stdin.write(struct.pack("<I", 1 + len(content)) + kind + content)
        self.process.stdin.flush()
        (size,) = struct.unpack("<I", self.process.stdout.read(4))
        answer = self.process.stdout.read(size)
        return answer[:1], answer[1:]

    def load(self, content: bytes, signature: str = "") -> tuple[bytes, bytes]:
        text = f"{signature}\n1".encode()
        return self(b"L", struct.pack("<I", len(text)) + text + content)


@pytest.fixture
def engine():
    pytest.importorskip("ai_edge_litert")
    engine = Engine()
    yield engine
    engine.process.stdin.close()
    assert engine.process.wait(20) == 0


def test_the_engine_process_gives_the_interpreters_numbers_and_survives_mistakes(engine, models):
    content = (models / "hand_recrop.tflite").read_bytes()
    assert engine.load(b"no model")[0] == b"E"
    kind, why = engine.load(content, "serve")
    assert kind == b"E"
    assert b"no signature 'serve'" in why
    kind, about = engine.load(content)
    assert kind == b"S"
    number, given, result = about.decode().splitlines()
    assert given == "input float32 1x256x256x3 input_1"
    assert result == "output float32 1x1x1x4 output_crop"
    picture = np.random.default_rng(0).random((1, 256, 256, 3), np.float32)
    asked = struct.pack("<I", int(number))
    assert engine(b"R", asked + b"\0" * 8)[0] == b"E"
    kind, values = engine(b"R", asked + picture.astype("<f4").tobytes())
    assert kind == b"O"
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture)
    interpreter.invoke()
    expected = interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).ravel()
    assert 0 < struct.unpack_from("<d", values)[0] < 60_000
    np.testing.assert_allclose(np.frombuffer(values[8:], "<f4"), expected, rtol=1e-5)
    assert engine(b"C", asked) == (b"D", b"")
    assert engine(b"R", asked + picture.tobytes())[0] == b"E"


def frames(video: Path, *options: str) -> bytes:
    command = [sys.executable, DESKTOP / "frames_process.py", video, *options]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


def test_pictures_come_with_their_bytes_and_times_and_a_bad_video_with_its_reason(tmp_path):
    pictures = np.random.default_rng(1).integers(0, 256, (3, 4, 6, 3), np.uint8)
    np.save(tmp_path / "clip.npy", pictures)
    stream = frames(tmp_path / "clip.npy")
    head = 1 + 24
    size = head + pictures[0].nbytes
    assert len(stream) == 3 * size + 1
    assert stream[-1:] == b"E"
    for number, picture in enumerate(pictures):
        part = stream[number * size : (number + 1) * size]
        assert part[:1] == b"F"
        milliseconds, decoding, *shape = struct.unpack("<ddII", part[1:head])
        assert (milliseconds, shape) == (40.0 * number, [6, 4])
        assert 0 <= decoding < 60_000
        assert part[head:] == picture.tobytes()
    steady = frames(tmp_path / "clip.npy", "--fps", "50")
    assert len(steady) == 6 * size + 1
    stream = frames(tmp_path / "none.mp4")
    assert stream[:1] == b"X"
    assert b"none.mp4" in stream


def test_comparison_counts_pictures_and_measures_in_pixels_of_640_by_480(comparing):
    core = np.zeros(4, comparing._RECORD)
    core["size"] = 1280, 480
    theirs = np.zeros((4, 543, 4), np.float32)
    first, count = comparing.PARTS["left hand"]
    hand = slice(first, first + count)
    core["points"][:3, hand] = 1
    theirs[1:, hand] = 1
    theirs[1:, hand, 0] += 6
    parts = comparing.compared(core, theirs)
    hand = parts["left hand"]
    assert (hand.both, hand.only_core, hand.only_mediapipe) == (2, 1, 1)
    np.testing.assert_allclose(hand.distances, 3, rtol=1e-6)
    assert parts["pose"].both == 0
    assert not comparing.within_limits(parts)
    assert comparing.within_limits({"left hand": hand._replace(distances=np.ones(9))})
    assert comparing.within_limits({"face": hand})
    assert comparing.merged([parts, parts])["left hand"].both == 4
    with pytest.raises(ValueError, match="3 pictures through core, 4 through"):
        comparing.compared(core[:3], theirs)


def test_golden_vectors_are_what_their_script_writes(capsys):
    pytest.importorskip("cv2")
    import golden_keypoints

    assert golden_keypoints.main(["--check"]) == 0, capsys.readouterr().err


@pytest.mark.long
@pytest.mark.shared_data
@pytest.mark.parametrize("mode", ["followed", "still"])
def test_core_finds_what_mediapipe_finds_in_real_videos(shared_data, comparing, mode, capsys):
    pytest.importorskip("mediapipe")
    if shutil.which("java") is None:
        pytest.skip("needs a JDK")
    clips = sorted((shared_data / "msl150_sample").glob("*.mp4"))
    videos = [*clips, shared_data / "pose_samples/test_video.mp4"]
    code = comparing.main([*map(str, videos), "--mode", mode])
    assert code == 0, capsys.readouterr().out


@pytest.fixture(scope="module")
def pictures(shared_data_folder) -> np.ndarray:
    from slr_keras.data.video.recordings import shown_in

    clip = shared_data_folder / "msl150_sample/doctor_001.mp4"
    return np.stack([shown.frame[::2, ::2] for shown in shown_in(clip, 25.0)])[:40]


@pytest.fixture(scope="module")
def shared_data_folder(request) -> Path:
    return request.getfixturevalue("shared_data")


def _two_persons(pictures: np.ndarray) -> np.ndarray:
    return np.concatenate([pictures, pictures[::-1]], axis=2)


def _hands_outside(pictures: np.ndarray) -> np.ndarray:
    return pictures[:, : pictures.shape[1] // 2]


def _nobody(pictures: np.ndarray) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, pictures.shape, np.uint8)


def _upside_down(pictures: np.ndarray) -> np.ndarray:
    return pictures[:, ::-1, ::-1]


@pytest.mark.long
@pytest.mark.shared_data
@pytest.mark.parametrize("change", [_two_persons, _hands_outside, _nobody, _upside_down])
def test_landmarks_are_numbers_of_one_person_or_none(pictures, comparing, tmp_path, change):
    if shutil.which("java") is None:
        pytest.skip("needs a JDK")
    changed = np.ascontiguousarray(change(pictures))
    np.save(tmp_path / "clip.npy", changed)
    landmarks = comparing.core_landmarks(tmp_path / "clip.npy", "--palms")
    points = landmarks["points"]
    assert len(points) == len(changed)
    assert np.isfinite(points).all()
    seen = points[:, 0, 3] > 0
    if change is _nobody:
        assert seen.mean() < 0.1
    if change in (_two_persons, _hands_outside):
        assert seen.mean() > 0.9
    if change is _two_persons:
        sides = points[seen, 0, 0] > changed.shape[2] / 2
        assert sides.all() or not sides.any()
