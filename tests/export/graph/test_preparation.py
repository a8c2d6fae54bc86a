"""Preparation in the graph: what a model sees of a clip is what evaluation shows it."""

import io
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from export.graph.keypoints import prepared
from export.graph.lanczos import resized
from export.graph.pictures import seen
from export.graph.sampling import Sampling, checked_lengths
from slr_keras.data.contract import contract
from slr_keras.data.preparation import KeypointPreparation, VideoPreparation
from slr_keras.data.segments import Segments
from slr_keras.data.video.contract import FrameContract
from slr_keras.recognition.isolated_clips import sampled

CONTRACTS = {
    "image": contract("coco_wholebody_133", image_size=(210, 260)),
    "body": contract("mediapipe_75", image_size=(640, 480), normalisation="body"),
    "body without gaps": contract("kinect_20", max_gap=0, zero_is_missing=False),
    "image, y up": contract("mediapipe_holistic_543", y_axis="up", max_gap=3),
}


def raw_clip(rng, source, frames):
    """Every way of being missing, for a while or throughout."""
    raw = rng.normal(100, 30, (frames, len(source.points), len(source.channels)))
    raw[..., -1] = rng.uniform(0, 1, raw.shape[:2])
    for value in (np.nan, np.inf, 0.0, 3e9):
        raw[rng.random(raw.shape[:2]) < 0.1] = value
    raw[:, rng.random(raw.shape[1]) < 0.1] = np.nan
    return raw.astype(np.float32)


@pytest.mark.parametrize("name", CONTRACTS)
def test_keypoints_of_a_padded_batch_are_prepared_as_each_clip_is_alone(name):
    of = CONTRACTS[name]
    rng = np.random.default_rng(1)
    clips = [raw_clip(rng, of.source, frames) for frames in (1, 3, 4, 18, 41)]
    clips.append(np.full_like(clips[-1], np.nan))
    time = max(map(len, clips))
    # Padding that would show if it were looked at.
    batch = np.stack([np.concatenate([c, c[:1].repeat(time - len(c), 0) + 7]) for c in clips])
    lengths = np.int32([len(clip) for clip in clips])
    places, count = Sampling(most=400).places(tf.constant(lengths), time)
    found = prepared(tf.constant(batch), tf.constant(lengths), places, of).numpy()
    for row, clip in enumerate(clips):
        expected = np.stack(list(KeypointPreparation(of).prepared(clip)))
        assert count[row] == len(expected)
        np.testing.assert_allclose(found[row, : count[row]], expected, rtol=1e-4, atol=1e-5)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("rule", ["segments", "consecutive", None])
def test_a_sign_gives_the_frames_that_evaluation_takes(rule):
    segments = Segments(8, rule) if rule else None
    lengths = np.int32([1, 4, 7, 8, 9, 29, 31])
    sampling = Sampling(most=8, segments=segments, evenly=True)
    places, count = sampling.places(tf.constant(lengths), int(lengths.max()))
    for row, frames in enumerate(lengths):
        clip = np.arange(frames)
        if rule is None:
            clip = clip[np.minimum(np.arange(max(frames // 4 * 4, 4)), frames - 1)]
        expected = sampled(clip, 8, segments)
        assert places[row, : count[row]].numpy().tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("source", "size", "crop"),
    [
        ((260, 210), (256, 256), (224, 224)),
        ((90, 160), (64, 64), (64, 64)),
        ((37, 53), (96, 80), (61, 33)),
        ((5, 7), (32, 32), (32, 32)),
        ((48, 64), (64, 48), (32, 33)),
    ],
)
def test_pictures_are_resized_and_cut_to_the_bit_as_for_evaluation(source, size, crop):
    pytest.importorskip("cv2")
    pictures = np.random.default_rng(0).integers(0, 256, (2, *source, 3), np.uint8)
    preparation = VideoPreparation(FrameContract(None, resize=size, crop=crop), 1)
    expected = np.stack(list(preparation.prepared(pictures)))
    np.testing.assert_array_equal(tf.function(resized)(pictures, size, crop), expected)


@pytest.fixture
def memory_of():
    """A function that gives the MB by which the peak memory of this process grows in a call."""

    def status(key):
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(key))

    def grown(call):
        try:
            Path("/proc/self/clear_refs").write_text("5")
        except OSError:
            pytest.skip("peak memory is told by Linux")
        before = status("VmRSS")
        call()
        return status("VmHWM") - before

    return grown


def encoded(picture, kind):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind, **({"quality": 90} if kind == "JPEG" else {}))
    return file.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_files_of_pictures_of_different_sizes_are_seen_as_their_pictures(kind, portrait):
    pytest.importorskip("cv2")
    of = FrameContract(None, resize=(64, 64), crop=(48, 56))
    pictures = [portrait, portrait[::2, ::3], portrait[:64, :64]]
    files = [encoded(np.ascontiguousarray(picture), kind) for picture in pictures]
    shown = [np.asarray(Image.open(io.BytesIO(file)).convert("RGB")) for file in files]
    expected = np.stack(list(VideoPreparation(of, 4).prepared(shown)))
    # Of a shorter clip what lies beyond its length is never read.
    content = tf.constant([files, [files[1], b"", b"no picture"]])
    places, _ = Sampling(400, repeats=True).places(tf.constant([3, 1]), 3)
    found = tf.function(seen, autograph=False)(content, places, of).numpy()
    np.testing.assert_array_equal(found[0], expected)
    np.testing.assert_array_equal(found[1], expected[[1, 1, 1, 1]])


@pytest.mark.parametrize("broken", [b"", b"no picture", "truncated", "gif", "huge"])
def test_a_file_that_is_no_picture_is_an_invalid_argument(broken, portrait):
    whole = encoded(portrait[:64, :64], "JPEG")
    if broken == "truncated":
        broken = whole[: len(whole) // 2]
    if broken == "huge":
        broken = encoded(np.zeros((1, 5000, 3), np.uint8), "PNG")
    if broken == "gif":
        broken = encoded(portrait[:64, :64], "GIF")
    of = FrameContract(None, resize=(64, 64))
    with pytest.raises(tf.errors.InvalidArgumentError):
        seen(tf.constant([[whole, broken]]), tf.constant([[0, 1]]), of)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_picture_of_too_many_pixels_is_refused_in_words_before_it_is_expanded(kind, memory_of):
    """48 MB of pixels from a few kilobytes; a whole picture of 4096 x 4096 may be expanded."""
    huge = encoded(np.zeros((4097, 4096, 3), np.uint8), kind)
    of = FrameContract(None, resize=(64, 64))
    refused = tf.function(lambda: seen(tf.constant([[huge]]), tf.constant([[0]]), of))

    def refuse():
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"sides are 1 to 4096 pixels"):
            refused()

    refuse()
    assert memory_of(refuse) < 20


def test_a_picture_of_too_many_scans_is_refused_in_words(portrait):
    whole = io.BytesIO()
    Image.fromarray(portrait[:64, :64]).save(whole, "JPEG", progressive=True)
    whole = whole.getvalue()
    last = whole[whole.rindex(b"\xff\xda") : -2]
    of = FrameContract(None, resize=(64, 64))
    many = whole[:-2] + 100 * last + whole[-2:]
    seen(tf.constant([[whole]]), tf.constant([[0]]), of)
    with pytest.raises(tf.errors.InvalidArgumentError, match="at most 100 scans"):
        seen(tf.constant([[many]]), tf.constant([[0]]), of)


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([3, 0], "at least 1 frame"),
        ([-1, 3], "at least 1 frame"),
        ([3, 9], "more frames than keypoints holds"),
        ([3, 7], "up to 6 frames"),
        ([3], "one number is wanted for each clip"),
        ([3, 3, 3], "one number is wanted for each clip"),
    ],
)
def test_lengths_that_do_not_fit_are_invalid_arguments_that_say_why(lengths, message):
    check = tf.function(checked_lengths, autograph=False)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        check(tf.zeros((2, 8, 6, 3)), tf.constant(lengths), "keypoints", 6)
