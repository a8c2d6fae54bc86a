"""The input pipeline: what a batch holds, and that nothing but (seed, epoch, id) decides it."""

import os
import subprocess
import sys

import numpy as np
import pytest

from slr_keras.data.augmentation import AugmentationConfig
from slr_keras.data.bucketing import FILLER
from slr_keras.data.contract import contract
from slr_keras.data.layout import layout_from_json
from slr_keras.data.loaders.keypoints import hand_points
from slr_keras.data.loaders.options import ClipOptions
from slr_keras.data.manifest import FolderWriter, Manifest, read_folder
from slr_keras.data.pipeline import ClipDataset
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.utils.errors import UserError

POINTS = [f"p{i}" for i in range(6)] + ["left_hand_wrist", "left_thumb_1", "right_hand_wrist"]
LAYOUT = layout_from_json(
    {
        "name": "nine",
        "points": POINTS,
        "mirror": {"p0": "p1", "left_hand_wrist": "right_hand_wrist"},
        "streams": {
            "left": ["p0", "left_hand_wrist", "left_thumb_1"],
            "right": ["p1", "right_hand_wrist"],
        },
    }
)
CONTRACT = contract(LAYOUT, image_size=(200, 100), max_gap=3)
GLOSSES = ("RAIN", "WIND", "SUN")
FRAMES = [40, 9, 64, 3, 120, 33, 50, 81, 47, 60, 22]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "nine"
    rng = np.random.default_rng(0)
    with FolderWriter(path, CONTRACT) as writer:
        for row, frames in enumerate(FRAMES):
            clip = rng.uniform(10, 90, (frames, 9, 3)).astype(np.float32)
            clip[..., 2] = 0.9
            glosses = [GLOSSES[(row + i) % 3] for i in range(1 + row % 3)]
            for split in ("train", "dev"):
                writer.add(split, id=f"clip-{row}", glosses=glosses, keypoints=clip)
    return path


@pytest.fixture
def train(folder) -> Manifest:
    return read_folder(folder)["train"]


def dataset(
    manifest,
    batch_size=4,
    training=True,
    augmentation="default",
    *,
    bucket_boundaries=None,
    replicas=1,
    pad_to_boundary=False,
    **options,
):
    if augmentation == "default":
        augmentation = AugmentationConfig() if training else None
    return ClipDataset(
        manifest,
        Vocabulary(GLOSSES),
        CONTRACT,
        batch_size,
        training,
        ClipOptions(augmentation, **options),
        bucket_boundaries=bucket_boundaries,
        replicas=replicas,
        pad_to_boundary=pad_to_boundary,
    )


def by_id(data, batches) -> dict[str, np.ndarray]:
    """Every clip as its batch holds it, without padding."""
    clips = {}
    for batch in batches:
        for place, row in enumerate(batch["index"]):
            if row != FILLER:
                clip = batch["keypoints"][place, : batch["frames"][place]]
                clips[data.manifest[int(row)].id] = np.asarray(clip)
    return clips


def same(first: dict, second: dict) -> bool:
    return first.keys() == second.keys() and all(np.array_equal(first[k], second[k]) for k in first)


def tensors(data, epoch, **options):
    return [{k: v.numpy() for k, v in batch.items()} for batch in data.epoch(epoch, **options)]


def test_every_clip_comes_once_in_every_epoch(train):
    for training in (True, False):
        data = dataset(train, training=training)
        for epoch in range(3):
            batches = list(data.numpy_batches(epoch))
            rows = np.concatenate([batch["index"] for batch in batches])
            assert sorted(rows) == list(range(len(FRAMES)))
            assert len(batches) == data.batches_per_epoch == 3


def test_batches_are_of_the_announced_shapes_and_types(train):
    data = dataset(train)
    specification = data.element_spec()
    assert data.epoch(0).element_spec == specification
    for batch in [*data.numpy_batches(0), *tensors(data, 0)]:
        assert batch.keys() == specification.keys()
        for name, spec in specification.items():
            assert batch[name].dtype == spec.dtype.as_numpy_dtype, name
            assert spec.shape.is_compatible_with(batch[name].shape), name
        assert batch["keypoints"].shape[1] % 4 == 0
        assert batch["keypoints"].shape[1] == batch["frames"].max()
        assert (batch["frames"] % 4 == 0).all()
        assert (batch["frames"] >= 4).all()


def test_mask_covers_the_real_frames_and_padding_repeats_the_last(train):
    for batch in dataset(train).numpy_batches(0):
        assert np.array_equal(batch["mask"].sum(axis=1), batch["frames"])
        for clip, mask, frames in zip(batch["keypoints"], batch["mask"], batch["frames"]):
            assert (mask[:frames] == 1).all()
            assert (clip[frames:] == clip[frames - 1]).all()


def test_planned_lengths_are_the_lengths_loaded(train):
    data = dataset(train)
    for epoch in range(4):
        lengths = data.lengths(epoch)
        for batch in data.numpy_batches(epoch):
            assert np.array_equal(lengths[batch["index"]], batch["frames"])
    assert not np.array_equal(data.lengths(0), data.lengths(1))


def test_labels_are_right_and_padded_with_zero(train):
    for batch in dataset(train).numpy_batches(0):
        for place, row in enumerate(batch["index"]):
            length = batch["label_lengths"][place]
            expected = [GLOSSES.index(gloss) + 2 for gloss in train[int(row)].glosses]
            assert batch["labels"][place, :length].tolist() == expected
            assert (batch["labels"][place, length:] == 0).all()


def test_evaluation_is_the_prepared_clip_in_length_order(folder):
    dev = read_folder(folder)["dev"]
    data = dataset(dev, training=False)
    clips = by_id(data, data.numpy_batches())
    for row, sample in enumerate(dev):
        expected = CONTRACT.prepare(dev.load(row))
        kept = len(expected) // 4 * 4
        if kept:
            assert np.array_equal(clips[sample.id], expected[:kept])
        else:
            assert np.array_equal(clips[sample.id], expected[[0, 1, 2, 2]])
    frames = np.concatenate([batch["frames"] for batch in data.numpy_batches()])
    assert (np.diff(frames) >= 0).all()


def test_evaluation_ignores_augmentation_and_epoch(folder):
    dev = read_folder(folder)["dev"]
    plain = dataset(dev, training=False)
    other = dataset(dev, training=False, augmentation=AugmentationConfig(jitter=0.5), seed=7)
    assert same(by_id(plain, plain.numpy_batches(0)), by_id(other, other.numpy_batches(5)))


def test_training_without_augmentation_is_evaluation_shuffled(train):
    data = dataset(train, augmentation=None)
    still = dataset(train, training=False)
    assert same(by_id(data, data.numpy_batches(1)), by_id(still, still.numpy_batches()))
    assert data.plan(0) != data.plan(1)


def test_a_clip_depends_on_seed_epoch_and_id_alone(train):
    data = dataset(train)
    clips = by_id(data, data.numpy_batches(2))
    # In another order, beside other clips, in batches of another size.
    turned = dataset(train.subset(range(len(train) - 1, -1, -1)), batch_size=3)
    assert same(clips, by_id(turned, turned.numpy_batches(2)))
    few = dataset(train.subset([4, 6]))
    alone = by_id(few, few.numpy_batches(2))
    assert np.array_equal(alone["clip-4"], clips["clip-4"])
    for other in (dataset(train, seed=1).numpy_batches(2), dataset(train).numpy_batches(3)):
        assert not same(clips, by_id(data, other))


def test_parallel_loading_gives_what_serial_loading_gives(train):
    data = dataset(train)
    for expected, batch in zip(list(data.numpy_batches(1)), tensors(data, 1), strict=True):
        for name, array in batch.items():
            assert np.array_equal(array, expected[name]), name


def test_a_resumed_run_sees_the_same_batches(train):
    unbroken = [batch for epoch in (0, 1) for batch in dataset(train).numpy_batches(epoch)]
    # A new process begins with epoch 1, or within it.
    resumed = dataset(train)
    for start in (0, 2):
        rest = tensors(resumed, 1, start=start)
        for expected, batch in zip(unbroken[3 + start :], rest, strict=True):
            for name, array in batch.items():
                assert np.array_equal(array, expected[name]), name


def test_another_process_gives_the_same_batches(folder, train):
    script = (
        "import hashlib, sys\n"
        "from slr_keras.data.augmentation import AugmentationConfig\n"
        "from slr_keras.data.loaders.options import ClipOptions\n"
        "from slr_keras.data.manifest import read_folder\n"
        "from slr_keras.data.pipeline import ClipDataset\n"
        "from slr_keras.data.vocabulary import Vocabulary\n"
        "train = read_folder(sys.argv[1])['train']\n"
        f"data = ClipDataset(train, Vocabulary({GLOSSES!r}), train.contract, 4, True,\n"
        "                   ClipOptions(AugmentationConfig()))\n"
        "digest = hashlib.sha256()\n"
        "for batch in data.numpy_batches(1):\n"
        "    digest.update(batch['keypoints'].tobytes() + batch['index'].tobytes())\n"
        "print(digest.hexdigest(), 'tensorflow' in sys.modules)\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script, str(folder)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    # NumPy alone is enough for these batches.
    assert outputs.pop().endswith("False\n")


def test_points_are_lost_before_gaps_are_filled(folder):
    # A point lost for at most 3 of 12 frames is interpolated: found by its score of 0.1, not 0.
    config = AugmentationConfig(
        temporal="none", rotation=0.0, drop_points=0.0, drop_hand=0.0,
        drop_spans=1.0, drop_spans_share=0.25,
    )  # fmt: skip
    manifest = read_folder(folder)["train"].subset([1])
    data = dataset(manifest, augmentation=config)
    whole = CONTRACT.prepare(manifest.load(0))[:8]
    filled = 0
    for epoch in range(30):
        ((clip, _),) = [data.clips.load(0, epoch)]
        changed = np.any(clip != whole, axis=-1)
        assert np.allclose(clip[changed][:, 2], 0.1)
        assert (clip[changed][:, :2] != 0).any(axis=-1).all()
        filled += changed.sum()
    assert filled > 10


def test_points_lost_throughout_are_exactly_zero_after_all_geometry(train):
    config = AugmentationConfig(
        rotation_probability=1.0, scale=(0.8, 1.2), translation=(0.2, 0.2), jitter=0.05,
        drop_points=1.0, drop_spans=0.0, drop_hand=0.0,
    )  # fmt: skip
    data = dataset(train, augmentation=config)
    for clip in by_id(data, data.numpy_batches(0)).values():
        missing = (clip == 0).all(axis=(0, 2))
        # At most a quarter of nine points.
        assert 1 <= missing.sum() <= 2
        assert (clip[:, ~missing, 2] > 0).all()


def test_the_raw_data_stay_as_they_are(train):
    before = train.load(0).copy()
    list(dataset(train).numpy_batches(0))
    assert np.array_equal(train.load(0), before)


def angles(data, batch) -> np.ndarray:
    """Rotation of every clip in a batch against the clip as evaluation sees it."""
    found = []
    for place, row in enumerate(batch["index"]):
        turned = batch["keypoints"][place, : batch["frames"][place], 0, :2]
        still = data.load(int(row))[0][:, 0, :2]
        difference = np.arctan2(turned[:, 1], turned[:, 0]) - np.arctan2(still[:, 1], still[:, 0])
        found.append(np.angle(np.exp(1j * difference[0])))
    return np.array(found)


def test_rotation_is_one_per_batch_or_one_per_sample(train):
    base = {"temporal": "none", "drop_points": 0.0, "drop_spans": 0.0, "drop_hand": 0.0}
    for per, apart in (("batch", False), ("sample", True)):
        config = AugmentationConfig(rotation_per=per, rotation_probability=1.0, **base)
        data = dataset(train, augmentation=config)
        batches = [batch for epoch in range(2) for batch in data.numpy_batches(epoch)]
        found = [angles(data, batch) for batch in batches]
        assert any(np.ptp(turned) > 1e-3 for turned in found) == apart
        assert len({round(float(turned[0]), 4) for turned in found}) == len(found)


def test_fillers_weigh_nothing_and_are_hidden(train):
    for training, batch_size in ((True, 4), (False, 8)):
        data = dataset(train, batch_size, training=training, replicas=2)
        batches = list(data.numpy_batches(0))
        fillers = 0
        for batch in batches:
            assert len(batch["index"]) % 2 == 0
            filler = batch["index"] == FILLER
            fillers += filler.sum()
            assert (batch["weight"] == ~filler).all()
            assert (batch["mask"][filler] == 0).all()
            assert (batch["keypoints"][filler] == 0).all()
            assert (batch["label_lengths"][filler] == 0).all()
            assert (batch["frames"][filler] == 4).all()
        assert fillers == 1
        assert data.batches_per_epoch == len(batches)


def test_training_batches_keep_their_size_among_replicas(train):
    data = dataset(train.subset(range(5)), 4, replicas=4)
    assert [len(batch["index"]) for batch in data.numpy_batches(0)] == [4, 4]


def test_parts_of_replicas_make_up_the_batches(train):
    data = dataset(train, 4, replicas=2)
    wholes = list(data.numpy_batches(0))
    mine, theirs = tensors(data, 0, parts=[0]), tensors(data, 0, parts=[1])
    for whole, first, second in zip(wholes, mine, theirs, strict=True):
        for name in ("keypoints", "mask", "index", "weight"):
            assert np.array_equal(np.concatenate([first[name], second[name]]), whole[name]), name
    both = tensors(data, 0, parts=[0, 1])
    assert [batch["index"].tolist() for batch in both[:2]] == [
        mine[0]["index"].tolist(),
        theirs[0]["index"].tolist(),
    ]


def test_a_mirrored_strategy_takes_the_batches_apart(folder):
    # Virtual devices must be made before TensorFlow starts, hence the process of its own.
    script = (
        "import sys\n"
        "import tensorflow as tf\n"
        "from slr_keras.data.manifest import read_folder\n"
        "from slr_keras.data.pipeline import ClipDataset\n"
        "from slr_keras.data.vocabulary import Vocabulary\n"
        "two = [tf.config.LogicalDeviceConfiguration()] * 2\n"
        "processor = tf.config.list_physical_devices('CPU')[0]\n"
        "tf.config.set_logical_device_configuration(processor, two)\n"
        "train = read_folder(sys.argv[1])['train']\n"
        f"data = ClipDataset(train, Vocabulary({GLOSSES!r}), train.contract, 4, True, replicas=2)\n"
        "strategy = tf.distribute.MirroredStrategy(['CPU:0', 'CPU:1'])\n"
        "for batch in strategy.experimental_distribute_dataset(data.epoch(0)):\n"
        "    parts = strategy.experimental_local_results(batch['index'])\n"
        "    print(*(int(row) for part in parts for row in part), [len(part) for part in parts])\n"
    )
    lines = subprocess.run(
        [sys.executable, "-c", script, str(folder)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    data = dataset(read_folder(folder)["train"], 4, augmentation=None, replicas=2)
    assert lines == [
        " ".join(map(str, batch["index"])) + " [2, 2]" for batch in data.numpy_batches(0)
    ]


def repeated(train, glosses, frames_row):
    """A manifest of one clip with other glosses."""
    import dataclasses

    sample = dataclasses.replace(train[frames_row], glosses=glosses)
    return Manifest(train.path, [sample], train.contract)


def test_infeasible_clips_are_listed_with_their_numbers(train):
    manifest = repeated(train, ("RAIN", "RAIN", "WIND"), 1)
    assert dataset(train).infeasible() == []
    (clip,) = dataset(manifest).infeasible()
    assert (clip.id, clip.frames, clip.labels, clip.repeats) == ("clip-1", 9, 3, 1)
    assert "at least 16 frames" in str(clip)


def test_infeasible_clips_weigh_nothing_in_training_and_count_in_evaluation(train):
    manifest = repeated(train, ("RAIN", "RAIN", "WIND"), 1)
    for training, weight in ((True, 0), (False, 1)):
        data = dataset(manifest, training=training, augmentation=None)
        assert [batch["weight"].tolist() for batch in data.numpy_batches(0)] == [[weight]]


def test_a_decoder_that_keeps_equal_neighbours_needs_no_step_between_them(train):
    manifest = repeated(train, ("RAIN", "RAIN"), 1)  # 8 frames in steps of 4: 2 steps
    weights = {}
    for ctc_epochs in (None, 0, 1):
        data = dataset(manifest, augmentation=None, ctc_epochs=ctc_epochs)
        weights[ctc_epochs] = [next(data.numpy_batches(epoch))["weight"][0] for epoch in range(2)]
        assert len(data.infeasible()) == (ctc_epochs is None)
    assert weights == {None: [0, 0], 0: [1, 1], 1: [0, 1]}
    (clip,) = dataset(repeated(train, ("RAIN",) * 3, 1), ctc_epochs=0).infeasible()
    assert "for 3 labels; at least 12 frames" in str(clip)


def test_resampling_makes_room_for_what_the_epochs_need(train):
    manifest = repeated(train, ("RAIN",) * 5, 0)
    shortest = {
        ctc_epochs: min(
            dataset(manifest, ctc_epochs=ctc_epochs).lengths(epoch)[0] for epoch in range(60)
        )
        for ctc_epochs in (None, 0, 1)
    }
    assert shortest[None] == shortest[1] == 36
    assert 20 <= shortest[0] < 36


def test_resampling_keeps_clips_feasible_unless_literal(train):
    manifest = repeated(train, GLOSSES * 3, 0)
    kept, literal = dataset(manifest), dataset(manifest, augmentation=AugmentationConfig.literal())
    weights = {
        name: [next(data.numpy_batches(epoch))["weight"][0] for epoch in range(40)]
        for name, data in (("kept", kept), ("literal", literal))
    }
    assert set(weights["kept"]) == {1}
    assert set(weights["literal"]) == {0, 1}
    assert min(kept.lengths(epoch)[0] for epoch in range(40)) == 36


def test_an_unknown_gloss_is_named_with_its_sample_and_the_nearest(train):
    manifest = repeated(train, ("RAIN", "WINDY"), 0)
    with pytest.raises(UserError, match=r"train\.jsonl:1: sample 'clip-0'.*'WINDY'.*'WIND'"):
        dataset(manifest)
    data = dataset(manifest, unknown="unk")
    assert next(data.numpy_batches(0))["labels"].tolist() == [[2, 1]]


def test_a_clip_with_no_frames_is_named(train):
    import dataclasses

    sample = dataclasses.replace(train[0], frames=0)
    with pytest.raises(UserError, match="'clip-0': the clip has no frames"):
        dataset(Manifest(train.path, [sample], train.contract))


def test_a_clip_of_one_frame_has_a_defined_result(train):
    import dataclasses

    sample = dataclasses.replace(train[0], frames=1)
    manifest = Manifest(train.path, [sample], train.contract)
    for training in (True, False):
        (batch,) = dataset(manifest, training=training).numpy_batches(0)
        assert batch["frames"].tolist() == [4]
        assert np.isfinite(batch["keypoints"]).all()
        assert (batch["keypoints"][0] == batch["keypoints"][0, 0]).all()


def test_nan_and_infinity_count_as_missing(tmp_path):
    clip = np.full((8, 9, 3), 50, np.float32)
    clip[..., 2] = 1
    clip[:, 3, 0] = np.nan
    clip[:, 4, 1] = np.inf
    with FolderWriter(tmp_path / "d", CONTRACT) as writer:
        writer.add("train", id="a", glosses=["RAIN"], keypoints=clip)
    manifest = read_folder(tmp_path / "d")["train"]
    for training in (True, False):
        (batch,) = dataset(manifest, training=training).numpy_batches(0)
        assert np.isfinite(batch["keypoints"]).all()
        assert (batch["keypoints"][0, :, 3:5] == 0).all()


def test_an_empty_manifest_and_bad_sizes_are_the_users_mistakes(train):
    with pytest.raises(UserError, match="no samples"):
        dataset(train.subset([]))
    with pytest.raises(UserError, match="multiple of the number of replicas, 2"):
        dataset(train, 3, replicas=2)
    with pytest.raises(UserError, match="multiple of 4"):
        dataset(train, max_frames=50)
    with pytest.raises(UserError, match="seed"):
        dataset(train, seed=-1)


def test_an_unreadable_clip_stops_the_dataset_with_the_users_error(folder, train):
    import dataclasses

    samples = [*train, dataclasses.replace(train[0], id="lost", keypoints="lost.npy")]
    data = dataset(Manifest(train.path, samples, train.contract))
    with pytest.raises(UserError, match=r"'lost'.*lost\.npy"):
        list(data.numpy_batches(0))
    with pytest.raises(UserError, match=r"'lost'.*lost\.npy"), data.user_errors():
        list(data.epoch(0))


def test_clips_longer_than_the_limit_are_cut(train):
    for training in (True, False):
        data = dataset(train, training=training, max_frames=32)
        assert max(batch["frames"].max() for batch in data.numpy_batches(0)) == 32


def test_padding_to_boundaries_gives_their_shapes(train):
    data = dataset(train, pad_to_boundary=True, bucket_boundaries=[40, 80])
    shapes = {
        batch["keypoints"].shape[1] for epoch in range(3) for batch in data.numpy_batches(epoch)
    }
    assert shapes == {40, 80, data.boundaries[-1]}
    assert 0 < data.padding_fraction(0) < 0.6


def test_hands_are_the_points_named_so():
    assert hand_points(CONTRACT) == [(6, 7), (8,)]
    whole_body = contract("coco_wholebody_133")
    left, right = hand_points(whole_body)
    assert left == tuple(range(6, 27))
    assert right == tuple(range(32, 53))
    assert hand_points(contract(LAYOUT, streams={"body": tuple(range(9))})) == []
