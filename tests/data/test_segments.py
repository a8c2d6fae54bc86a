"""A fixed number of frames of any clip (docs/papers/stepnet.md §2.2, §15)."""

import numpy as np
import pytest

from slr_keras.config import parse_config
from slr_keras.data.augmentation import AugmentationConfig
from slr_keras.data.contract import contract
from slr_keras.data.loaders.options import ClipOptions
from slr_keras.data.manifest import FolderWriter, read_folder
from slr_keras.data.pipeline import ClipDataset
from slr_keras.data.segments import RULES, Segments
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.training.data import segments
from slr_keras.utils.errors import UserError

LENGTHS = (1, 2, 5, 15, 16, 17, 31, 33, 61, 178)


def draws(frames, count=16, rule="segments", times=400):
    rng = np.random.default_rng(frames)
    return np.stack([Segments(count, rule).drawn(rng, frames) for _ in range(times)])


@pytest.mark.parametrize("frames", LENGTHS)
def test_every_frame_may_be_drawn_and_frames_stay_in_order(frames):
    found = draws(frames)
    assert set(found.ravel().tolist()) == set(range(frames))
    assert (np.diff(found, axis=1) >= 0).all()
    if frames >= 16:
        assert (np.diff(found, axis=1) > 0).all()


@pytest.mark.parametrize("frames", LENGTHS)
def test_each_frame_is_of_its_real_valued_segment(frames):
    found = draws(frames)
    for k in range(16):
        first, end = k * frames // 16, (k + 1) * frames // 16
        expected = set(range(first, end)) or {first}
        assert set(found[:, k].tolist()) == expected


@pytest.mark.parametrize("frames", LENGTHS)
def test_evaluation_takes_the_centres_of_the_segments(frames):
    expected = [min(frames - 1, int(frames / 32 + k * frames / 16)) for k in range(16)]
    assert Segments(16).centres(frames).tolist() == expected
    assert Segments(16, "tsn").centres(frames).tolist() == expected


def test_whole_segments_never_show_the_end_of_a_clip():
    assert draws(31, rule="tsn").max() == 15
    assert draws(33, rule="tsn").max() == 31
    assert set(draws(9, rule="tsn").ravel().tolist()) == {0}


def test_consecutive_frames_are_in_a_row_and_anywhere():
    found = draws(20, rule="consecutive")
    assert (np.diff(found, axis=1) == 1).all()
    assert set(found[:, 0].tolist()) == set(range(5))
    assert Segments(16, "consecutive").centres(20).tolist() == list(range(2, 18))
    short = Segments(16, "consecutive")
    np.testing.assert_array_equal(short.centres(9), Segments(16).centres(9))


@pytest.mark.parametrize("rule", RULES)
def test_a_single_frame_is_repeated(rule):
    assert draws(1, 8, rule, times=3).tolist() == [[0] * 8] * 3
    assert Segments(8, rule).centres(1).tolist() == [0] * 8


def test_what_cannot_be_is_refused():
    for count in (-4, 2, 18):
        with pytest.raises(UserError, match=rf"clip_frames is {count}"):
            Segments(count)
    with pytest.raises(UserError, match="clip_sampling is 'all'"):
        Segments(16, "all")
    with pytest.raises(UserError, match="no frames"):
        Segments(16).centres(0)


def test_the_recipe_decides_unless_it_leaves_it_to_the_model():
    def of(data=(), options=()):
        model = {"name": "stark", "options": dict(options)}
        return segments(parse_config({"data": {"folder": "a", **dict(data)}, "model": model}))

    assert of() is None
    assert of(options={"clip_frames": 8}) == Segments(8)
    assert of({"clip_frames": 0}, {"clip_frames": 8}) is None
    assert of({"clip_frames": 16, "clip_sampling": "tsn"}) == Segments(16, "tsn")


@pytest.fixture(scope="module")
def numbered(tmp_path_factory):
    """Clips of points whose first coordinate is the frame's number."""
    folder = tmp_path_factory.mktemp("numbered")
    with FolderWriter(folder, contract("stark_79", image_size=(2, 2))) as writer:
        for length in LENGTHS:
            points = np.ones((length, 79, 3), np.float32)
            points[..., 0] = np.arange(length)[:, None]
            writer.add("train", id=f"c{length}", glosses=["RAIN"], keypoints=points)
    return read_folder(folder)["train"]


def frames_of(data, epoch):
    found = {}
    for batch in data.numpy_batches(epoch):
        for place, row in enumerate(batch["index"]):
            if row >= 0:
                assert batch["mask"][place].all()
                assert batch["weight"][place] == 1
                # Normalised x of a picture 2 wide is x - 1.
                numbers = np.rint(batch["keypoints"][place, :, 0, 0] + 1)
                found[data.manifest[row].id] = numbers.astype(int).tolist()
    return found


def dataset(manifest, batch_size=3, training=True, augmentation=None, **options):
    return ClipDataset(
        manifest,
        Vocabulary(("RAIN",)),
        manifest.contract,
        batch_size,
        training,
        ClipOptions(augmentation, segments=Segments(8), **options),
    )


ONLY_TIME = AugmentationConfig(rotation_probability=0, drop_points=0, drop_spans=0, drop_hand=0)


def test_a_batch_of_points_has_as_many_frames_of_every_clip(numbered):
    data = dataset(numbered, training=False)
    assert data.lengths().tolist() == [8] * len(LENGTHS)
    assert data.boundaries == (8,)
    expected = {f"c{n}": Segments(8).centres(n).tolist() for n in LENGTHS}
    assert frames_of(data, 0) == expected
    assert data.infeasible() == []


def test_training_draws_per_seed_epoch_and_clip_alone(numbered):
    data = dataset(numbered, augmentation=ONLY_TIME)
    found = frames_of(data, 3)
    assert frames_of(dataset(numbered, 10, augmentation=ONLY_TIME), 3) == found
    turned = numbered.subset(range(len(LENGTHS) - 1, -1, -1))
    assert frames_of(dataset(turned, 1, augmentation=ONLY_TIME), 3) == found
    assert frames_of(data, 4) != found
    assert frames_of(dataset(numbered, augmentation=ONLY_TIME, seed=1), 3) != found
    long = {tuple(frames_of(data, epoch)["c178"]) for epoch in range(6)}
    assert len(long) == 6


def test_training_without_augmentation_takes_the_centres(numbered):
    still = frames_of(dataset(numbered, augmentation=None), 2)
    assert still == frames_of(dataset(numbered, training=False), 0)
