"""Batches of video: what they hold, and that nothing but (seed, epoch, id) decides it."""

import dataclasses

import numpy as np
import pytest

from slr_keras.data import pipeline
from slr_keras.data.augmentation import AugmentationConfig
from slr_keras.data.bucketing import FILLER
from slr_keras.data.contract import contract
from slr_keras.data.loaders.factory import loader_for
from slr_keras.data.loaders.keypoints import KeypointLoader
from slr_keras.data.loaders.options import ClipOptions
from slr_keras.data.loaders.video import VideoLoader
from slr_keras.data.manifest import Manifest, read_folder
from slr_keras.data.pipeline import ClipDataset
from slr_keras.data.video.augmentation import VideoAugmentationConfig
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.utils.errors import UserError

GLOSSES = Vocabulary(("RAIN", "WIND", "SUN"))
SHORT = VideoAugmentationConfig(shortest=4, crop_margin=2)
CROPPED = FrameContract((24, 20), resize=(24, 20), crop=(16, 16))


def dataset(manifest, batch_size=2, training=True, augmentation=SHORT, replicas=1, **options):
    frames = options.pop("contract", manifest.frame_contract)
    options = ClipOptions(augmentation, **options)
    return ClipDataset(manifest, GLOSSES, frames, batch_size, training, options, replicas=replicas)


def by_id(data, batches) -> dict[str, np.ndarray]:
    clips = {}
    for batch in batches:
        for place, row in enumerate(batch["index"]):
            if row != FILLER:
                clip = batch["video"][place, : batch["frames"][place]]
                clips[data.manifest[int(row)].id] = np.asarray(clip)
    return clips


def same(first: dict, second: dict) -> bool:
    return first.keys() == second.keys() and all(np.array_equal(first[k], second[k]) for k in first)


def test_batches_are_of_the_announced_shapes_and_types(train):
    data = dataset(train, contract=CROPPED, replicas=2)
    specification = data.element_spec()
    assert specification["video"].shape.as_list() == [None, None, 16, 16, 3]
    serial = list(data.numpy_batches(1))
    parallel = [{k: v.numpy() for k, v in batch.items()} for batch in data.epoch(1)]
    for batch, twin in zip(serial, parallel, strict=True):
        assert batch.keys() == twin.keys() == specification.keys()
        for name, spec in specification.items():
            assert batch[name].dtype == spec.dtype.as_numpy_dtype, name
            assert spec.shape.is_compatible_with(batch[name].shape), name
            assert np.array_equal(batch[name], twin[name]), name
        assert batch["video"].shape[1] == batch["frames"].max()
        assert (batch["frames"] % 4 == 0).all()
        assert np.array_equal(batch["mask"].sum(axis=1)[batch["weight"] > 0],
                              batch["frames"][batch["weight"] > 0])  # fmt: skip
        for clip, frames in zip(batch["video"], batch["frames"]):
            assert (clip[frames:] == clip[frames - 1]).all()
    fillers = [(batch["index"] == FILLER).sum() for batch in serial]
    assert sum(fillers) == 1


def test_evaluation_takes_all_frames_and_repeats_the_last(train, originals):
    data = dataset(train, training=False)
    clips = by_id(data, data.numpy_batches())
    for name, pictures in originals.items():
        expected = np.pad(pictures, ((0, -len(pictures) % 4), (0, 0), (0, 0), (0, 0)), mode="edge")
        np.testing.assert_array_equal(clips[name], expected, err_msg=name)
    other = dataset(train, training=False, seed=5, batch_size=5)
    assert same(clips, by_id(other, other.numpy_batches(3)))


def test_evaluation_cuts_the_centre(train, originals):
    data = dataset(train, training=False, contract=CROPPED)
    clip = by_id(data, data.numpy_batches())["own"]
    np.testing.assert_array_equal(clip[:6], originals["own"][:, 2:18, 4:20])


def test_training_without_augmentation_is_evaluation_shuffled(train):
    data = dataset(train, augmentation=None)
    still = dataset(train, training=False)
    assert same(by_id(data, data.numpy_batches(1)), by_id(still, still.numpy_batches()))


def test_a_clip_depends_on_seed_epoch_and_id_alone(train):
    data = dataset(train)
    clips = by_id(data, data.numpy_batches(2))
    turned = dataset(train.subset(range(len(train) - 1, -1, -1)), batch_size=5)
    assert same(clips, by_id(turned, turned.numpy_batches(2)))
    alone = by_id(dataset(train.subset([3])), dataset(train.subset([3])).numpy_batches(2))
    assert np.array_equal(alone["shared-2"], clips["shared-2"])
    for other in (dataset(train, seed=1).numpy_batches(2), dataset(train).numpy_batches(3)):
        assert not same(clips, by_id(data, other))


def test_planned_lengths_are_the_lengths_loaded(train):
    data = dataset(train)
    for epoch in range(3):
        lengths = data.lengths(epoch)
        for batch in data.numpy_batches(epoch):
            assert np.array_equal(lengths[batch["index"]], batch["frames"])
        assert lengths.max() <= data.boundaries[-1]
    assert len({tuple(data.lengths(epoch)) for epoch in range(8)}) > 2


def test_frames_of_a_training_clip_are_frames_of_the_clip_in_order(train, originals):
    config = VideoAugmentationConfig(shortest=4, random_crop=False, flip=0)
    data = dataset(train, augmentation=config)
    pictures = originals["shared-2"]
    lengths = set()
    for epoch in range(12):
        clip, _ = data.clips.load(3, epoch)
        places = [
            next(i for i, picture in enumerate(pictures) if np.array_equal(picture, frame))
            for frame in clip
        ]
        assert places == sorted(places)
        lengths.add(len(clip))
    assert min(lengths) >= 32
    assert max(lengths) <= 48
    assert len(lengths) > 2


def test_flip_and_window_hold_for_the_whole_clip(train, originals):
    config = VideoAugmentationConfig(temporal="none", crop_margin=2)
    data = dataset(train, augmentation=config)
    pictures = originals["pictures"]
    padded = np.pad(pictures, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="edge")
    found = set()
    for epoch in range(12):
        clip, _ = data.clips.load(0, epoch)
        for top, left, flip in np.ndindex(5, 5, 2):
            cut = padded[:, top : top + 20, left : left + 24]
            if np.array_equal(cut[:, :, ::-1] if flip else cut, clip[: len(pictures)]):
                found.add((top, left, flip))
                break
        else:
            raise AssertionError(f"epoch {epoch}: no single window gives this clip")
    assert len(found) > 6
    assert {flip for _, _, flip in found} == {0, 1}


def with_glosses(train, row, glosses, **changes) -> Manifest:
    sample = dataclasses.replace(train[row], glosses=glosses, **changes)
    return Manifest(train.path, [sample], frame_contract=train.frame_contract)


def test_resampling_keeps_clips_feasible_unless_literal(train):
    # 40 frames and 10 labels: exactly enough, unless the clip is shortened.
    manifest = with_glosses(train, 3, ("RAIN", "WIND") * 5)
    literal = dataclasses.replace(SHORT, keep_feasible=False)
    weights = {}
    for config in (SHORT, literal):
        data = dataset(manifest, augmentation=config)
        weights[config] = {
            float(next(data.numpy_batches(epoch))["weight"][0]) for epoch in range(12)
        }
        assert data.infeasible() == []
    assert weights == {SHORT: {1.0}, literal: {0.0, 1.0}}


def test_infeasible_clips_are_those_whose_padded_clip_is_too_short(train):
    # 13 frames are 16 with the last one repeated: 4 labels fit, 5 do not.
    assert dataset(with_glosses(train, 0, ("RAIN", "WIND") * 2)).infeasible() == []
    (clip,) = dataset(with_glosses(train, 0, ("RAIN", "WIND", "SUN", "WIND", "SUN"))).infeasible()
    assert (clip.frames, clip.labels) == (13, 5)


def test_clips_longer_than_the_limit_keep_their_centre(train, originals):
    data = dataset(train, training=False, max_frames=8)
    clips = by_id(data, data.numpy_batches())
    np.testing.assert_array_equal(clips["shared-2"], originals["shared-2"][16:24])
    assert max(dataset(train, max_frames=8).lengths(0)) == 8


def test_damage_stops_the_dataset_with_the_users_error(video_folder):
    (video_folder / "frames/pictures/images0004.png").write_bytes(b"")
    data = dataset(read_folder(video_folder)["train"], training=False, batch_size=5)
    with pytest.raises(UserError, match=r"'pictures'.*images0004\.png"):
        list(data.numpy_batches())
    with pytest.raises(UserError, match=r"'pictures'.*images0004\.png"), data.user_errors():
        list(data.epoch())


def test_large_batches_are_not_loaded_far_ahead(train, monkeypatch):
    data = dataset(train, batch_size=4)
    batch = 4 * data.boundaries[-1] * 20 * 24 * 3
    for room, expected in ((1, 1), (6, 2), (100, pipeline.LOADERS)):
        monkeypatch.setattr(pipeline, "MOST_BYTES", room * batch)
        assert data._capacity() == (expected, expected)
    monkeypatch.undo()
    phoenix = FrameContract((210, 260), resize=(256, 256), crop=(224, 224))
    long = dataclasses.replace(train[0], frames=230)
    data = dataset(Manifest(train.path, [long]), 8, False, contract=phoenix)
    loaders, ahead = data._capacity()
    assert (2 * loaders + ahead) * 8 * 232 * 224 * 224 * 3 < 2 * 2**30


def test_the_contract_decides_what_a_batch_holds(train):
    video = loader_for(train, GLOSSES, train.frame_contract)
    points = loader_for(train, GLOSSES, contract("stark_79"))
    assert (type(video), type(points)) == (VideoLoader, KeypointLoader)
    assert (video.frame.name, points.frame.name) == ("video", "keypoints")
    with pytest.raises(TypeError, match="VideoLoader needs VideoAugmentationConfig"):
        loader_for(train, GLOSSES, train.frame_contract, ClipOptions(AugmentationConfig()))
    with pytest.raises(TypeError, match="no loader"):
        loader_for(train, GLOSSES, None)
