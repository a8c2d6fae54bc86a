"""Metadata with a missing key or a value of another type or range ended commands with a traceback.

15 of 22 lies in a bundle's `metadata.json`, 211 of 7,874 in a language model and 57 of 2,383 in a
contract gave a KeyError, TypeError, OverflowError or RecursionError, as did deep JSON everywhere.
Every reader of metadata now checks each field that it uses, and names file and field.
"""

import json
import os
import pickle
import random
import shutil
import tarfile
from functools import partial
from pathlib import Path

import json_mutation
import numpy as np
import pytest

from export.graph.publication import check_manifest
from export.serving.assets import Assets
from slr_keras.bundle.bundle import Bundle, is_bundle
from slr_keras.bundle.scoring import recipe_of
from slr_keras.data.arrays import read_npy
from slr_keras.data.contract import KeypointContract
from slr_keras.data.datasets.keypoint_pickles import read_keypoint_pickle
from slr_keras.data.layout import read_layout
from slr_keras.data.lines import parse_sample
from slr_keras.data.missing import Missing
from slr_keras.data.validation.folder import validate_folder
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.video.flow_files import Recipe
from slr_keras.decoding import NgramLanguageModel
from slr_keras.hub.listing import facts, table
from slr_keras.hub.preset import Preset
from slr_keras.metrics.isolated.groups import read_groups
from slr_keras.training.model import remembered
from slr_keras.training.position import checkpoint_record
from slr_keras.training.run import Run
from slr_keras.utils.arrays import save_arrays
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_json, write_json

ARTEFACTS = Path(__file__).parents[1] / "compatibility" / "artefacts"
LIES = 100


@pytest.fixture
def served(tmp_path) -> Path:
    """A version of a served model, without its weights."""
    with tarfile.open(ARTEFACTS / "stark_served.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "stark_served" / "1"


def used_bundle(folder: Path) -> None:
    """Read what `predict`, `evaluate` and `stream` read of a bundle before they start a runtime."""
    bundle = Bundle.load(folder)
    for precision in bundle.precisions:
        for bucket in bundle.buckets:
            bundle.file(bundle.chosen(precision), bucket)
    bundle.require_head("ensemble")
    bundle.language_model(bundle.decoding)
    recipe_of(bundle)
    assert bundle.steps(40) > 0
    assert bundle.model_name
    assert bundle.scoring
    if "streaming" in bundle.metadata:
        bundle.stream_file()


def used_assets(folder: Path) -> None:
    assets = Assets.load(folder)
    assets.language_model(assets.decoding)
    assert assets.longest > 0
    assert list(assets.buckets) == sorted(assets.buckets)
    assert assets.model_name
    assert assets.scoring
    assert assets.output


def used_run(folder: Path) -> None:
    run = Run.load(folder)
    remembered(run.config.model, run.folder)
    assert "epoch" in run.best


def used_preset(folder: Path) -> None:
    preset = Preset.load(folder)
    json.dumps(facts(preset))
    table([preset])


def used_contract(path: Path) -> None:
    contract = KeypointContract.read(path)
    shape = (9, len(contract.source.points), len(contract.source.channels))
    contract.prepare(np.random.default_rng(0).uniform(1, 9, shape))
    assert contract.digest
    assert contract.edges is not None


def used_language_model(path: Path) -> None:
    model = NgramLanguageModel.load(path)
    if model.vocabulary_size < 1000:
        assert np.isfinite(model.log_probabilities((2, 3))).all()


def refusal(use) -> str:
    """Message with which a reader refuses a lie; "" if it accepts it. Other errors pass through."""
    try:
        use()
    except UserError as error:
        return str(error)
    return ""


def require_good(message: str, *names: object) -> bool:
    """Whether there is a message; it must be of a bounded length, and name the file."""
    if message:
        message.encode()
        assert len(message) < 4000
        assert any(str(name) in message for name in names), message
    return bool(message)


def refusals(path: Path, use, value=None, lies: int = LIES) -> int:
    """Number of lies in a JSON file that a reader refuses; any error but a UserError fails."""
    before = path.read_bytes() if value is None else json.dumps(value).encode()
    original, refused = json.loads(before), 0
    for seed in range(lies):
        lie = json_mutation.mutated(original, random.Random(seed))
        path.write_text(json.dumps(lie))
        try:
            refused += require_good(refusal(use), path.parent)
        except Exception as error:
            raise AssertionError(f"{path.name}, seed {seed}: {type(error).__name__}") from error
    path.write_bytes(before)
    use()
    return refused


def test_lies_in_a_bundle_are_refused_in_words(tmp_path):
    folder = shutil.copytree(ARTEFACTS / "stark_bundle", tmp_path / "bundle")
    for name in ("metadata.json", "keypoints.json", "language_model.json"):
        assert refusals(folder / name, lambda: used_bundle(folder)) > LIES / 4


@pytest.mark.parametrize(
    "key",
    ["task", "buckets", "contract", "vocabulary", "decoding", "precisions", "heads", "run", "data"],
)
def test_a_bundle_without_a_key_is_refused_by_the_name_of_the_key(tmp_path, key):
    folder = shutil.copytree(ARTEFACTS / "stark_bundle", tmp_path / "bundle")
    metadata = read_json(folder / "metadata.json")
    del metadata[key]
    write_json(folder / "metadata.json", metadata)
    with pytest.raises(UserError, match=rf"metadata\.json: the key '{key}' is missing; export"):
        Bundle.load(folder)


def test_lies_about_streaming_files_are_refused_in_words(tmp_path, root):
    shipped = root / "slr_keras/hub/models/asl-words-live/tflite"
    folder = shutil.copytree(shipped, tmp_path / "bundle")
    assert refusals(folder / "metadata.json", lambda: used_bundle(folder)) > LIES / 4
    streaming = json.loads((folder / "metadata.json").read_text())
    for seed in range(LIES):
        lie = json_mutation.mutated(streaming["streaming"], random.Random(seed))
        (folder / "metadata.json").write_text(json.dumps(streaming | {"streaming": lie}))
        require_good(refusal(lambda: used_bundle(folder)), folder)


def test_lies_in_a_preset_are_refused_in_words(tmp_path, root):
    folder = shutil.copytree(root / "slr_keras/hub/models/asl-letters", tmp_path / "preset")
    assert refusals(folder / "preset.json", lambda: used_preset(folder)) > LIES / 4


def test_lies_in_a_run_are_refused_in_words(tmp_path):
    folder = shutil.copytree(ARTEFACTS / "stark", tmp_path / "run")
    for name in ("model.json", "keypoints.json"):
        # Half of model.json are options that only the model itself can judge.
        assert refusals(folder / name, lambda: used_run(folder), lies=40) > 5
    folder = shutil.copytree(ARTEFACTS / "ustm", tmp_path / "filmed")
    assert refusals(folder / "frames.json", lambda: used_run(folder), lies=40) > 10


def test_lies_in_served_assets_are_refused_in_words(served):
    assets = served / "assets"
    for name in ("serving.json", "keypoints.json", "language_model.json"):
        # Most of serving.json describes the signatures, which a client does not read.
        assert refusals(assets / name, lambda: used_assets(assets)) > LIES / 15
    assert refusals(served / "manifest.json", lambda: check_manifest(served)) > LIES / 4


def test_lies_in_contracts_layouts_and_records_are_refused_in_words(tmp_path, root):
    kinect = tmp_path / "keypoints.json"
    contract = read_json(ARTEFACTS / "signs" / "keypoints.json")
    assert refusals(kinect, lambda: used_contract(kinect), contract, 400) > 100
    layout = read_json(root / "slr_keras/data/layouts/kinect_20.json")
    assert refusals(kinect, lambda: read_layout(kinect), layout) > LIES / 4
    frames = {"version": 1, "size": [96, 64], "fps": 25.0, "resize": [96, 64], "crop": [64, 64]}
    assert refusals(kinect, lambda: FrameContract.read(kinect), frames) > LIES / 4
    model = read_json(ARTEFACTS / "stark" / "language_model.json")
    assert refusals(kinect, lambda: used_language_model(kinect), model, 600) > 200
    missing = {"expected": {"train": 9}, "missing": {"train": {"a": "no file"}}}
    assert refusals(kinect, lambda: str(Missing.read(kinect)), missing) > LIES / 4
    flow = Recipe("farneback", (96, 64)).to_json()
    (tmp_path / "flow").mkdir()
    path = tmp_path / "flow" / "flow.json"
    assert refusals(path, lambda: Recipe.read(tmp_path), flow) > LIES / 4
    groups = {"confusing": ["RAIN", "SUN"], "normal": ["NORTH"]}
    assert refusals(tmp_path / "groups.json", lambda: read_groups(tmp_path), groups) > LIES / 5


def test_lies_in_a_manifest_are_refused_in_words():
    sample = {"id": "a", "glosses": ["RAIN"], "frames": 9, "keypoints": "a.npy", "fps": 25.0}
    sample |= {"signer": "s", "text": "t", "start": 0, "video": "a.mp4", "video_start": 3}
    for seed in range(600):
        line = json.dumps(json_mutation.mutated(sample, random.Random(seed)))
        require_good(refusal(partial(parse_sample, line, "train.jsonl:1")), "train.jsonl:1: ")


def test_validate_reports_lies_of_a_data_folder(tmp_path):
    folder = shutil.copytree(ARTEFACTS / "signs", tmp_path / "signs")
    write_json(folder / "groups.json", {"confusing": ["RAIN"], "normal": ["SUN"]})
    write_json(folder / "missing.json", {"expected": {"train": 99}, "missing": {"train": {}}})
    for name in ("groups.json", "missing.json", "keypoints.json"):
        refusals(folder / name, lambda: validate_folder(folder), lies=40)


def test_lies_in_the_record_of_a_checkpoint_are_refused_in_words(tmp_path):
    position = {"epoch": 3, "batch": 0, "step": 9, "clips": 0.0, "sums": {"loss": 1.0}}
    record = {"position": position | {"seconds": 1.0, "waiting": 0.0}, "data": {"a.jsonl": "0"}}
    path, refused = tmp_path / "last.npz", 0
    for seed in range(LIES):
        save_arrays(path, {}, json_mutation.mutated(record, random.Random(seed)))
        refused += require_good(refusal(lambda: checkpoint_record(path)), path)
    assert refused > LIES / 3


def test_lies_in_a_keypoint_pickle_are_refused_in_words(tmp_path):
    clip = {"name": "a", "gloss": "RAIN SUN", "keypoint": np.ones((9, 133, 3)), "num_frames": 9}
    path = tmp_path / "Phoenix-2014T.dev"
    arrays = (
        np.ones(3),
        np.ones((9, 133, 2)),
        np.ones((0, 133, 3)),
        np.array(3.0),
        np.ones((2, 2)),
    )
    for seed in range(400):
        rng = random.Random(seed)
        lie = json_mutation.mutated({"a": clip | {"text": "t", "signer": "s"}}, rng)
        if rng.random() < 0.5 and isinstance(lie, dict) and isinstance(lie.get("a"), dict):
            lie["a"][rng.choice([*clip, "text"])] = rng.choice(arrays)
        path.write_bytes(pickle.dumps(lie))
        require_good(refusal(lambda: list(read_keypoint_pickle(path))), path)


@pytest.mark.parametrize("text", ["[" * 10**5, '{"a":' * 10**5, "[" * 500 + "]" * 500, "9" * 5000])
def test_deep_json_is_refused_by_every_reader_of_json(tmp_path, text):
    for name, use in (
        ("metadata.json", lambda: is_bundle(tmp_path)),
        ("preset.json", lambda: Preset.load(tmp_path)),
        ("serving.json", lambda: Assets.load(tmp_path)),
        ("keypoints.json", lambda: KeypointContract.read(tmp_path / "keypoints.json")),
        ("lm.json", lambda: NgramLanguageModel.load(tmp_path / "lm.json")),
    ):
        (tmp_path / name).write_text(text)
        assert name in refusal(use)
    assert "train.jsonl:1: " in refusal(lambda: parse_sample(text, "train.jsonl:1"))


def test_json_that_is_too_large_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "keypoints.json"
    with open(path, "wb") as file:
        file.truncate(2**40)
    with pytest.raises(UserError, match=r"keypoints.json: not valid JSON \(\d+ bytes, where"):
        KeypointContract.read(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_under_the_name_of_a_file_does_not_block(tmp_path):
    for name, read in (("a.npy", read_npy), ("a.json", read_json)):
        os.mkfifo(tmp_path / name)
        with pytest.raises(UserError, match=rf"{name}: is a pipe, socket or device"):
            read(tmp_path / name)
