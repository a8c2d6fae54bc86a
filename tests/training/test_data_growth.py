"""The work before the first step grows as the number of clips does: counted, not timed."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from slr_keras.config import parse_config
from slr_keras.data.contract import contract
from slr_keras.data.manifest import CONTRACT_FILE, read_manifest
from slr_keras.recognition.find_clips import find_clips
from slr_keras.training.data import open_run_data

CONTRACT = contract("boston_3")
SIZES = (100, 400)
# Growth that is linear gives 4.0 here; growth that is quadratic gives up to 16.
MOST_GROWTH = 4.2


def lines(action: Callable[[], object]) -> int:
    """Lines that Python executes in an action, `__eq__` of samples included."""
    count = 0

    def trace(frame, event, argument):
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        action()
    finally:
        sys.settrace(before)
    return count


def data_folder(folder: Path, clips: int) -> Path:
    """Manifests of clips whose keypoints nobody reads."""
    folder.mkdir()
    CONTRACT.write(folder / CONTRACT_FILE)
    for split in ("train", "dev"):
        samples = [
            {
                "id": f"{split}-{row:06}",
                "glosses": ["RAIN", "RAIN", f"SIGN-{row % 50}"],
                "frames": 12 + row * 7 % 150,
                "fps": CONTRACT.fps * (1 + row % 2),
                "signer": f"{split}-{row % 9}",
                "keypoints": f"{row}.npy",
            }
            for row in range(clips)
        ]
        lines = [json.dumps(sample) + "\n" for sample in samples]
        (folder / f"{split}.jsonl").write_text("".join(lines))
    for row in range(clips):
        (folder / f"{row}.npy").touch()
    return folder


def open_and_plan(folder: Path) -> None:
    data = {"folder": str(folder), "batch_size": 8, "unseen_signers": True}
    config = parse_config({"data": data, "training": {"max_infeasible": 1.0}})
    dataset = open_run_data(config).training_dataset()
    assert dataset.infeasible()
    assert sum(len(batch.rows) for batch in dataset.plan(epoch=1)) == len(dataset)


def grown(action: Callable[[Path], object], tmp_path: Path) -> float:
    """How many times the work of the smaller number of clips the larger one takes."""
    small, large = (data_folder(tmp_path / str(clips), clips) for clips in SIZES)
    # Whatever is imported or cached once is no work for each clip.
    action(small)
    counts = [lines(lambda folder=folder: action(folder)) for folder in (small, large)]
    return counts[1] / counts[0]


def test_opening_checking_and_planning_grow_linearly_with_the_clips(tmp_path, capsys):
    assert grown(open_and_plan, tmp_path) < MOST_GROWTH


def test_finding_the_clips_to_recognise_grows_linearly(tmp_path):
    def find(folder):
        assert len(find_clips([folder], CONTRACT, split="dev")) >= SIZES[0]

    assert grown(find, tmp_path) < MOST_GROWTH


def test_naming_and_finding_every_sample_grow_linearly(tmp_path):
    def name_all(folder):
        manifest = read_manifest(folder / "train.jsonl")
        for row, sample in enumerate(manifest):
            assert manifest.where(sample) == manifest.where(row)
            assert manifest.find(sample.id) == row

    assert grown(name_all, tmp_path) < MOST_GROWTH
