"""What recognition shows the model is what evaluation shows it."""

import numpy as np
import pytest

from slr_keras.data.loaders.video import VideoLoader
from slr_keras.data.manifest import Manifest
from slr_keras.data.preparation import VideoPreparation, preparation_for
from slr_keras.data.sample import Sample
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.utils.errors import UserError

CONTRACT = FrameContract((30, 20), resize=(24, 26), crop=(17, 15))


@pytest.mark.parametrize("frames", [1, 4, 9])
def test_pictures_are_resized_cut_and_lengthened_as_for_evaluation(tmp_path, frames):
    pictures = np.random.default_rng(0).integers(0, 256, (frames, 20, 30, 3), np.uint8)
    np.save(tmp_path / "a.npy", pictures)
    manifest = Manifest(
        tmp_path / "test.jsonl",
        [Sample("a", (), frames, video="a.npy")],
        frame_contract=CONTRACT,
    )
    expected, _ = VideoLoader(manifest, Vocabulary([]), CONTRACT).load(0)
    found = np.stack(list(preparation_for(CONTRACT).prepared(pictures)))
    np.testing.assert_array_equal(found, expected)


def test_a_picture_is_read_only_when_its_turn_comes():
    read = []

    def endless():
        while True:
            read.append(0)
            yield np.zeros((20, 30, 3), np.uint8)

    frames = VideoPreparation(CONTRACT).prepared(endless())
    for _ in range(10):
        assert next(frames).shape == (17, 15, 3)
    assert len(read) <= 11


def test_a_buffer_that_is_used_again_does_not_change_frames_given_before():
    buffer = np.zeros((17, 15, 3), np.uint8)

    def filled():
        for value in range(8):
            buffer[:] = value
            yield buffer

    plain = VideoPreparation(FrameContract((15, 17)))
    found = [int(frame[0, 0, 0]) for frame in plain.prepared(filled())]
    assert found == list(range(8))


def test_frames_that_are_no_pictures_are_refused():
    for wrong in (np.zeros((4, 20, 30, 3)), np.zeros((4, 20, 30, 1), np.uint8)):
        with pytest.raises(UserError, match="this model reads pictures"):
            list(VideoPreparation(CONTRACT).prepared(wrong))
    with pytest.raises(UserError, match="no frames"):
        list(VideoPreparation(CONTRACT).prepared([]))
