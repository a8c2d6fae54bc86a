"""The sign encoder: its closed form, its preset, and the same vectors in Keras and TFLite."""

import json
import shutil

import numpy as np
import pytest

from slr_keras.enrolment.encoder import SHIPPED, SignEncoder
from slr_keras.utils.errors import UserError

FOLDER = SHIPPED / "sign-encoder"


@pytest.fixture(scope="module")
def encoder():
    pytest.importorskip("ai_edge_litert")
    return SignEncoder.from_preset()


@pytest.fixture(scope="module")
def clips(encoder):
    """Clips of one to two hundred frames, hands missing in some frames."""
    rng = np.random.default_rng(0)
    found = []
    for frames in (1, 2, 17, 60, 128):
        clip = rng.normal(0, 0.3, (frames, len(encoder.contract.points), 3)).cumsum(axis=0) / 5
        clip[..., 2] = rng.random(clip.shape[:2]) > 0.2
        found.append((clip * clip[..., 2:]).astype(np.float32))
    return found


@pytest.fixture(scope="module")
def twin():
    """The same encoder in Keras."""
    from slr_keras.models.presets import load_preset_model
    from slr_keras.models.sign_encoder import SignEncoderModel

    return load_preset_model(FOLDER, SignEncoderModel)


def test_the_file_gives_the_vectors_of_keras(encoder, clips, twin):
    vectors = encoder.encode(clips)
    for vector, clip in zip(vectors, clips, strict=True):
        inputs = {"keypoints": clip[None], "mask": np.ones((1, len(clip)), np.float32)}
        expected = np.asarray(twin(inputs)["vector"])[0]
        np.testing.assert_allclose(vector, expected, atol=1e-5 * np.abs(expected).max())


def test_eight_bits_keep_the_direction_of_the_vectors(encoder, clips):
    small = SignEncoder(FOLDER, "int8")
    for one, other in zip(encoder.encode(clips), small.encode(clips), strict=True):
        assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) > 0.99
    assert (FOLDER / "encoder_int8.tflite").stat().st_size < 1e6


def test_a_clip_alone_and_among_others_has_one_vector(encoder, clips):
    together = encoder.encode(clips)
    for vector, clip in zip(together, clips, strict=True):
        np.testing.assert_array_equal(encoder.encode([clip])[0], vector)


def test_the_mirror_image_of_a_mirror_image_is_the_clip(encoder, clips):
    from slr_keras.data.keypoints import mirror

    turned = [mirror(clip, encoder.contract.mirror) for clip in clips]
    np.testing.assert_allclose(encoder.encode_mirrored(turned), encoder.encode(clips), atol=1e-5)


def test_speed_and_a_missing_head_change_a_vector_little(encoder):
    times = np.linspace(0, 1, 40)
    points = len(encoder.contract.points)
    clip = np.zeros((40, points, 3), np.float32)
    phase = np.arange(points)[None] * 0.7
    clip[..., 0] = np.sin(6 * times[:, None] + phase)
    clip[..., 1] = np.cos(5 * times[:, None] + 2 * phase)
    clip[..., 2] = 1
    headless = clip.copy()
    head = [row for row, name in enumerate(encoder.contract.points) if name == "nose"]
    headless[:, head] = 0
    one, slow, without = encoder.encode([clip, np.repeat(clip, 2, axis=0), headless])
    unit = one / np.linalg.norm(one)
    assert unit @ slow / np.linalg.norm(slow) > 0.98
    assert unit @ without / np.linalg.norm(without) > 0.8


def test_longer_clips_than_the_file_takes_are_read_at_even_frames(encoder, clips):
    long = np.repeat(clips[-1], 3, axis=0)
    one, other = encoder.encode([clips[-1], long])
    assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) > 0.98


@pytest.mark.parametrize("shape", [(0, 55, 3), (4, 54, 3), (4, 55, 2), (4, 55)])
def test_what_is_no_clip_of_the_contract_is_refused(encoder, shape):
    with pytest.raises(UserError, match="the encoder reads"):
        encoder.encode([np.zeros(shape, np.float32)])


def test_the_background_has_vectors_of_signs_and_of_rest(encoder):
    assert encoder.background.shape == (3 * 57, encoder.dimension)
    assert np.isfinite(encoder.background).all()


def test_unknown_and_damaged_encoders_are_refused_in_words(tmp_path):
    with pytest.raises(UserError, match="no sign encoder here"):
        SignEncoder.from_preset("sign-encodr")
    copy = shutil.copytree(FOLDER, tmp_path / "copy")
    file = copy / "encoder_fp32.tflite"
    content = bytearray(file.read_bytes())
    content[-1000] ^= 1
    file.write_bytes(content)
    with pytest.raises(UserError, match="damaged"):
        SignEncoder.from_preset(copy)
    file.write_bytes(content[:-1])
    with pytest.raises(UserError, match="another size"):
        SignEncoder.from_preset(copy)
    description = json.loads((copy / "encoder.json").read_text())
    (copy / "encoder.json").write_text(json.dumps({**description, "version": 2}))
    with pytest.raises(UserError, match="version 2"):
        SignEncoder.from_preset(copy)


def test_a_fitted_encoder_puts_clips_of_one_sign_together(tmp_path):
    """Signs of another seed than those that it was fitted to, beside the raw averages."""
    from slr_keras.models.sign_encoder import fit_whitening

    rng = np.random.default_rng(0)
    nuisance = rng.normal(size=(40, 40)) @ np.diag([5.0] * 10 + [0.3] * 30)

    def drawn(signs, clips):
        centres = rng.normal(size=(signs, 40))
        values = np.repeat(centres, clips, axis=0)
        return values + rng.normal(size=values.shape) @ nuisance.T / 6, np.repeat(
            np.arange(signs), clips
        )

    features, labels = drawn(20, 30)
    fitted = fit_whitening(features, labels.astype(str), np.ones(len(labels), bool), 30)
    unseen, names = drawn(10, 8)

    def accuracy(vectors):
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        first = vectors[::8]
        return (np.argmax(vectors @ first.T, axis=1) == names).mean()

    assert accuracy(fitted(unseen)) > accuracy(unseen - features.mean(axis=0)) + 0.2
