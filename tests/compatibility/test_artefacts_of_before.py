"""Runs, a bundle, `.keras` files and a served version of an earlier commit give what they gave.

`artefacts/README.md` tells how they were made. Today's code loads them in a process of its own.
"""

import json
import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
ARTEFACTS = HERE / "artefacts"
# Of an array's largest value, or of 1: processors differ in the last bits of float32 sums.
TOLERANCE = 1e-5
RUNS = ("stark", "stark_isolated", "ustm")
KERAS_FILES = {
    "c2st": "C2st",
    "stark": "Stark",
    "stark_isolated": "StarkIsolated",
    "stepnet_tiny": "StepNet",
    "ustm_tiny": "Ustm",
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the artefacts, with the archives unpacked: commands write into runs."""
    folder = tmp_path_factory.mktemp("before") / "artefacts"
    shutil.copytree(ARTEFACTS, folder)
    for archive in folder.glob("*.tar.xz"):
        with tarfile.open(archive) as file:
            file.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def now(copy, root, tiny):
    """A function from an artefact's name to its arrays and values as loaded today."""
    program = HERE / "load_artefacts.py"
    done = tiny.command(program, copy / "now", directory=copy, PYTHONPATH=str(root))
    assert done.returncode == 0, done.stderr

    def loaded(name):
        error = copy / "now" / f"{name}.error"
        if error.is_file():
            pytest.fail(error.read_text())
        with np.load(copy / "now" / f"{name}.npz") as file:
            arrays = {key: file[key] for key in file.files}
        return arrays, json.loads((copy / "now" / f"{name}.json").read_text())

    return loaded


def arrays_before(copy, name, without=()):
    with np.load(copy / "expected" / f"{name}.npz") as file:
        return {key: file[key] for key in file.files if not key.startswith(without)}


def require_equal(found, expected):
    assert set(found) == set(expected)
    for key, value in expected.items():
        assert found[key].dtype == value.dtype, key
        # A log-probability may be minus infinity.
        bound = TOLERANCE * np.abs(value, where=np.isfinite(value), out=np.ones(value.shape)).max()
        np.testing.assert_allclose(
            found[key], value, rtol=0, atol=max(TOLERANCE, bound), err_msg=key
        )


def require_contains(found, expected, where=""):
    """Every key of before with its value; sentences for people may be worded anew."""
    if isinstance(expected, dict):
        for key, value in expected.items():
            if key != "source":
                require_contains(found[key], value, f"{where}/{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for place, (one, other) in enumerate(zip(found, expected)):
            require_contains(one, other, f"{where}/{place}")
    elif isinstance(expected, float):
        # Confidences are rounded to four digits.
        assert found == pytest.approx(expected, rel=1e-4, abs=1.01e-4), where
    else:
        assert found == expected, where


@pytest.mark.parametrize("name", KERAS_FILES)
def test_a_keras_file_is_the_same_model_without_custom_objects(name, copy, now):
    arrays, said = now(f"{name}.keras")
    assert said["class"] == KERAS_FILES[name]
    require_equal(arrays, arrays_before(copy, f"{name}.keras", without="in/"))


@pytest.mark.parametrize("name", RUNS)
def test_a_run_gives_the_same_scores(name, copy, now):
    arrays, _ = now(name)
    require_equal(arrays, arrays_before(copy, name))


@pytest.mark.parametrize("command", ["predict", "evaluate"])
@pytest.mark.parametrize("name", RUNS)
def test_the_commands_say_the_same_of_a_run(name, command, copy, now):
    _, said = now(name)
    before = json.loads((copy / "expected" / f"{name}.json").read_text())
    require_contains(said[command], before[command])


def test_a_bundle_gives_its_golden_outputs(copy, now):
    pytest.importorskip("ai_edge_litert")
    arrays, _ = now("stark_bundle")
    with np.load(copy / "stark_bundle" / "golden.npz") as file:
        golden = {key: file[key] for key in file.files if key.endswith("/fp32")}
    require_equal(arrays, golden)


@pytest.mark.parametrize("part", ["recognise", "predict", "evaluate"])
def test_a_bundle_recognises_the_same(part, copy, now):
    pytest.importorskip("ai_edge_litert")
    _, said = now("stark_bundle")
    before = json.loads((copy / "expected" / "stark_bundle.json").read_text())
    require_contains(said[part], before[part])


def require_last_clip(found, before):
    """The one clip of a prediction equals the last of the data folder's."""
    (clip,), last = found["clips"], before["predict"]["clips"][-1]
    for key in ("frames", "glosses"):
        require_contains(clip[key], last[key], key)


@pytest.mark.parametrize("name", RUNS)
def test_a_run_says_the_same_of_a_clip_in_a_file_of_its_own(name, copy, now):
    _, said = now(name)
    before = json.loads((copy / "expected" / f"{name}.json").read_text())
    require_last_clip(said["predict_file"], before)


def test_a_bundle_says_the_same_of_a_clip_in_a_file_of_its_own(copy, now, root, tiny):
    pytest.importorskip("ai_edge_litert")
    now("stark")
    arguments = ("-m", "slr_keras.predict", "stark_bundle", "stark_clip.npy", "--format", "json")
    done = tiny.command(*arguments, directory=copy, PYTHONPATH=str(root))
    assert done.returncode == 0, done.stderr
    before = json.loads((copy / "expected" / "stark_bundle.json").read_text())
    require_last_clip(json.loads(done.stdout), before)


@pytest.mark.parametrize("loader", ["stark_served", "stark_served_session"])
def test_a_served_version_gives_the_same_outputs_of_every_signature(loader, copy, now):
    arrays, _ = now(loader)
    require_equal(arrays, arrays_before(copy, "stark_served", without=("keypoints", "lengths")))


def test_a_served_version_says_of_itself_what_its_run_says(copy, now):
    _, said = now("stark_served_session")
    before = json.loads((copy / "expected" / "stark.json").read_text())["predict"]
    assert said["model"] == before["model"]
    assert said["contract"] == before["contract"]
    assert said["tokens"] == (copy / "stark" / "vocabulary.txt").read_text().split()
    assert said["buckets"] == [16]
    assert said["order"] == before["decoding"]["language_model_order"]


def test_the_warm_up_requests_of_a_served_version_run(now):
    _, said = now("stark_served_session")
    if said["warmed_up"] is None:
        pytest.skip("tensorflow-serving-api is not installed")
    # One for each of the three signatures, of the one number of frames it was exported for.
    assert said["warmed_up"] == 3


def test_no_path_of_the_machine_that_made_them_is_in_the_artefacts(copy):
    for path in sorted(file for file in copy.rglob("*") if file.is_file()):
        if "now" in path.relative_to(copy).parts or path.suffix in (".xz", ".py", ".md"):
            continue
        content = [path.read_bytes()]
        if path.suffix in (".keras", ".npz"):
            with zipfile.ZipFile(path) as archive:
                content += [archive.read(name) for name in archive.namelist()]
        for part in content:
            assert not any(word in part for word in (b"/home/", b"/root/", b"/work/", b"/tmp/"))
