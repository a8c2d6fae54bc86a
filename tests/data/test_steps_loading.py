"""Training clips of a model that resamples each clip to a fixed number of steps."""

import dataclasses

import numpy as np
import pytest

from slr_keras.data.augmentation import AugmentationConfig
from slr_keras.data.loaders import keypoints, prepared
from slr_keras.data.loaders.keypoints import KeypointLoader
from slr_keras.data.loaders.options import ClipOptions
from slr_keras.data.manifest import read_folder
from slr_keras.data.pipeline import ClipDataset
from slr_keras.data.vocabulary import Vocabulary

CONFIG = dataclasses.replace(
    AugmentationConfig.none(),
    ends=0.1,
    time_warp=0.2,
    jitter=0.01,
    limbs=0.1,
    mirror=0.5,
)
STEPS = 12


@pytest.fixture(scope="module")
def train(tiny, tmp_path_factory):
    return read_folder(tiny.write_signs(tmp_path_factory.mktemp("signs") / "data"))["train"]


def loader(train, config=CONFIG, **options):
    vocabulary = Vocabulary.from_samples(train)
    return KeypointLoader(
        train, vocabulary, train.contract, ClipOptions(config, steps=STEPS, **options)
    )


def test_a_clip_is_the_same_alone_and_in_any_batch(train):
    together = loader(train).load_batch([5, 0, 9], epoch=2)
    for row, (clip, labels) in zip((5, 0, 9), together):
        alone, own = loader(train).load(row, epoch=2)
        np.testing.assert_allclose(clip, alone, atol=1e-6)
        assert labels.tolist() == own.tolist()


def test_clips_differ_between_epochs_and_seeds(train):
    first = loader(train).load(3, epoch=0)[0]
    assert np.abs(first - loader(train).load(3, epoch=1)[0]).max() > 1e-3
    assert np.abs(first - loader(train, seed=1).load(3, epoch=0)[0]).max() > 1e-3


def test_every_batch_has_the_models_number_of_steps_and_no_padding(train):
    data = ClipDataset(
        train,
        Vocabulary.from_samples(train),
        train.contract,
        batch_size=4,
        training=True,
        options=ClipOptions(CONFIG, steps=STEPS),
    )
    assert data.padding_fraction() == 0
    for batch in data.numpy_batches():
        assert batch["keypoints"].shape[1] == STEPS
        assert (batch["mask"] == 1).all()


def test_without_augmentation_a_clip_is_read_at_even_times(train):
    none = AugmentationConfig.none()
    clip = loader(train, none).load(0, epoch=0)[0]
    whole = train.contract.prepare(train.load(0))
    at = np.linspace(0, len(whole) - 1, STEPS)
    expected = np.interp(at, np.arange(len(whole)), whole[:, 2, 0])
    np.testing.assert_allclose(clip[:, 2, 0], expected, atol=1e-5)


def test_a_large_split_is_read_batch_by_batch_and_gives_the_same(train, monkeypatch):
    expected = loader(train).load_batch([1, 4], epoch=0)
    monkeypatch.setattr(prepared, "MOST_BYTES", 0)
    found = loader(train).load_batch([1, 4], epoch=0)
    for (clip, _), (same, _) in zip(found, expected):
        np.testing.assert_allclose(clip, same, atol=1e-6)


def test_whole_clips_are_those_of_evaluation_without_a_cut(train):
    data = loader(train)
    clips = [
        clip[mask > 0]
        for batch in data.whole_batches(size=5)
        for clip, mask in zip(batch["keypoints"], batch["mask"])
    ]
    assert len(clips) == len(train)
    for row, clip in enumerate(clips):
        np.testing.assert_array_equal(clip, train.contract.prepare(train.load(row)))


def test_batches_of_whole_clips_keep_their_limit_of_memory(train, monkeypatch):
    data = loader(train)
    frame = next(iter(data.whole_batches(size=1)))["keypoints"][0, 0].nbytes
    longest = int(data.frames.max())
    monkeypatch.setattr(keypoints, "WHOLE_BYTES", 3 * longest * frame)
    sizes = [len(batch["keypoints"]) for batch in data.whole_batches()]
    assert sizes == [3] * (len(train) // 3) + [len(train) % 3] * (len(train) % 3 > 0)
