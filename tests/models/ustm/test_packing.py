"""Lengthening of clips, and the length of what leaves the network."""

import numpy as np

from slr_keras.models.temporal import length_through, padded_length
from slr_keras.models.ustm.packing import pack, unpack

LENGTHS = (13, 5, 8)


def mask_of(lengths, longest):
    return (np.arange(longest) < np.array(lengths)[:, None]).astype("float32")


def test_a_clip_of_t_frames_leaves_as_a_quarter_rounded_up():
    for frames in range(5, 476):
        assert length_through(padded_length(frames)) == -(-frames // 4)


def test_frames_are_replicated_as_the_authors_loader_does():
    packing = pack(mask_of(LENGTHS, 17), masked=False)
    inside = packing.inside.numpy() == 1
    sources = packing.sources.numpy()[inside].reshape(3, 28)
    places = packing.places.numpy()[inside].reshape(3, 28)
    for row, frames in enumerate(LENGTHS):
        # L = 4 ceil(13 / 4) + 12 for every clip, although the arrays hold 17 frames.
        expected = np.clip(np.arange(28) - 6, 0, frames - 1)
        np.testing.assert_array_equal(sources[row] - 17 * row, expected)
        np.testing.assert_array_equal(places[row], np.arange(28))
    assert packing.counted.numpy().sum() == 3 * 28
    np.testing.assert_array_equal(packing.valid.numpy().sum(1), [28, 20, 20])


def test_in_the_masked_form_each_clip_has_its_own_length_and_statistics_see_real_frames():
    packing = pack(mask_of(LENGTHS, 17))
    gaps = np.flatnonzero(packing.inside.numpy() == 0)
    np.testing.assert_array_equal(gaps, [28, 49, 70])
    counted = packing.counted.numpy() == 1
    np.testing.assert_array_equal(packing.sources.numpy()[counted][:14], [*range(13), 17])
    assert counted.sum() == sum(LENGTHS)
    assert packing.places.numpy()[counted].min() == 6
    np.testing.assert_array_equal(packing.places.numpy()[gaps], 0)


def test_a_filler_without_frames_takes_no_room():
    packing = pack(mask_of((4, 0), 4))
    assert packing.inside.numpy().sum() == 16
    assert len(packing.inside) == 18
    np.testing.assert_array_equal(packing.valid.numpy()[1], 0)


def test_unpacking_puts_every_frame_in_its_clip_and_erases_gaps():
    packing = pack(mask_of(LENGTHS, 16))
    features = np.stack([packing.sources, packing.places], 1).astype("float32") + 1
    features[packing.inside.numpy() == 0] = np.inf
    clips = unpack(features, packing).numpy()
    assert clips.shape == (3, 28, 2)
    for row, frames in enumerate(LENGTHS):
        length = padded_length(frames)
        np.testing.assert_array_equal(clips[row, :length, 1], np.arange(1, length + 1))
        np.testing.assert_array_equal(
            clips[row, 6 : 6 + frames, 0], 16 * row + 1 + np.arange(frames)
        )
        np.testing.assert_array_equal(clips[row, length:], 0)
