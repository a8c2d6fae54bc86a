"""Optical flow: estimated, kept in 8 bits, and stacked (docs/papers/stepnet.md §8, §15)."""

import json

import numpy as np
import pytest

from slr_keras.data.loaders.factory import loader_for
from slr_keras.data.loaders.options import ClipOptions
from slr_keras.data.manifest import read_folder, write_manifest
from slr_keras.data.pipeline import ClipDataset
from slr_keras.data.sample import Sample
from slr_keras.data.segments import Segments
from slr_keras.data.video.augmentation import VideoAugmentationConfig
from slr_keras.data.video.contract import FrameContract
from slr_keras.data.video.flow import BOUND, METHODS, fields_of, quantised
from slr_keras.data.video.flow_files import FlowFile, Recipe, flow_file, record_of, write_flow
from slr_keras.data.video.pixels import Window
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.utils.errors import UserError

cv2 = pytest.importorskip("cv2")

WIDTH, HEIGHT = 16, 12
LENGTHS = {"one": 1, "two": 2, "six": 6, "nine": 9, "long": 40}
GLOSSES = Vocabulary(("RAIN",))


def moved(shift, size=(64, 64)):
    """Two pictures of the same smooth texture, the second `shift` pixels (x, y) further."""
    noise = np.random.default_rng(3).uniform(0, 255, (size[1] + 40, size[0] + 40, 3))
    texture = cv2.GaussianBlur(noise.astype(np.float32), (0, 0), 4)
    texture = cv2.normalize(texture, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    x, y = shift
    first = texture[20 : 20 + size[1], 20 : 20 + size[0]]
    return [first, texture[20 - y : 20 - y + size[1], 20 - x : 20 - x + size[0]]]


def displacements(field, bound=BOUND):
    """Pixels of a quantised field, wrong by at most bound / 255."""
    return field.astype(np.float64) * (2 * bound) / 255 - bound


@pytest.mark.parametrize("method", METHODS)
def test_a_shifted_picture_gives_its_shift_in_x_and_y(method):
    if method == "tvl1" and not hasattr(
        getattr(cv2, "optflow", None), "DualTVL1OpticalFlow_create"
    ):
        pytest.skip("this OpenCV has no contributed modules")
    (field,) = fields_of(moved((3, -2)), method, (64, 64))
    middle = displacements(field)[16:48, 16:48].mean(axis=(0, 1))
    np.testing.assert_allclose(middle, (3, -2), atol=0.25)


def test_flow_is_of_the_resized_pictures():
    (field,) = fields_of(moved((4, 2), size=(128, 64)), "dis", (64, 64))
    assert field.shape == (64, 64, 2)
    middle = displacements(field)[16:48, 16:48].mean(axis=(0, 1))
    np.testing.assert_allclose(middle, (2, 2), atol=0.3)


@pytest.mark.parametrize("bound", [20.0, 32.0])
def test_8_bits_are_wrong_by_half_a_step_at_most(bound):
    pixels = np.linspace(-bound, bound, 9999)
    error = np.abs(displacements(quantised(pixels, bound), bound) - pixels).max()
    assert error <= bound / 255 * (1 + 1e-9)
    assert quantised(np.array([0.0, -bound - 9, bound + 9, np.nan]), bound).tolist() == [
        128,
        0,
        255,
        128,
    ]


def test_tvl1_that_is_not_installed_says_what_to_install(monkeypatch):
    monkeypatch.delattr(cv2, "optflow", raising=False)
    with pytest.raises(UserError, match="opencv-contrib-python-headless; or choose --method dis"):
        list(fields_of(moved((1, 1)), "tvl1", (64, 64)))


def made_up(name):
    """The fields of a clip: x is twice the field's number, y eight times the column and one."""
    fields = np.empty((LENGTHS[name] - 1, HEIGHT, WIDTH, 2), np.uint8)
    fields[..., 0] = 2 * np.arange(len(fields))[:, None, None]
    fields[..., 1] = 8 * np.arange(WIDTH) + 1
    return fields


@pytest.fixture
def folder(tmp_path):
    """A data folder whose clips have flow but, since none is asked for, no pictures."""
    recipe = Recipe("dis", (WIDTH, HEIGHT))
    samples = [Sample(name, ("RAIN",), n, split="train", video=name) for name, n in LENGTHS.items()]
    write_manifest(tmp_path / "train.jsonl", samples)
    FrameContract((WIDTH, HEIGHT), crop=(8, 10)).write(tmp_path / "frames.json")
    recipe.write(tmp_path)
    for sample in samples:
        record = record_of(recipe, sample.frames, "unknown")
        write_flow(flow_file(tmp_path, sample), made_up(sample.id), record)
    return tmp_path


def loader(folder, augmentation=None, segments=None):
    train = read_folder(folder)["train"]
    options = ClipOptions(augmentation, segments=segments, stream="flow")
    return loader_for(train, GLOSSES, train.frame_contract, options)


def stacks(name, moments):
    """What is seen at each moment: five fields, x before y, the last one repeated at the end."""
    fields = made_up(name)
    return np.stack(
        [
            np.concatenate([fields[min(p + step, len(fields) - 1)] for step in range(5)], axis=-1)
            for p in moments
        ]
    )


def test_a_moment_is_five_fields_with_x_before_y(folder):
    clips = loader(folder, segments=Segments(8))
    clip, _ = clips.load(4)
    assert clip.shape == (8, 8, 10, 10)
    assert clip.dtype == np.uint8
    moments = Segments(8).centres(40 - 5).tolist()
    np.testing.assert_array_equal(clip, stacks("long", moments)[:, 2:10, 3:13])
    # x of field p + 2 is the fifth channel, and its y the sixth.
    assert clip[3, 0, 0, 4:6].tolist() == [2 * (moments[3] + 2), 8 * 3 + 1]


@pytest.mark.parametrize(("name", "moments"), [("two", 1), ("six", 1), ("nine", 4)])
def test_short_clips_repeat_their_last_field(folder, name, moments):
    clip, _ = loader(folder, segments=Segments(8)).load(list(LENGTHS).index(name))
    expected = stacks(name, Segments(8).centres(moments).tolist())
    np.testing.assert_array_equal(clip, expected[:, 2:10, 3:13])


def test_one_picture_alone_does_not_move(folder):
    clip, _ = loader(folder, segments=Segments(4)).load(0)
    assert (clip == 128).all()


def test_without_a_number_of_frames_every_moment_is_seen(folder):
    clips = loader(folder)
    assert clips.lengths().tolist() == [4, 4, 4, 4, 36]
    clip, _ = clips.load(4)
    np.testing.assert_array_equal(clip, stacks("long", [*range(35), 34])[:, 2:10, 3:13])


def test_training_draws_moments_and_one_window_for_all_channels(folder):
    config = VideoAugmentationConfig(flip=0.5)
    clips = loader(folder, config, Segments(4))
    seen = set()
    for epoch in range(12):
        clip, _ = clips.load(4, epoch)
        again, _ = loader(folder, config, Segments(4)).load(4, epoch)
        np.testing.assert_array_equal(clip, again)
        seen.add(_moments_and_window(clip))
    assert len({moments for moments, _, _ in seen}) > 8
    assert len({left for _, left, _ in seen}) > 3
    assert {flip for _, _, flip in seen} == {True, False}
    for moments, _, _ in seen:
        for k, moment in enumerate(moments):
            assert k * 35 // 4 <= moment < (k + 1) * 35 // 4


def _moments_and_window(clip):
    """The moments, left edge and mirroring that give this clip."""
    flip = bool(clip[0, 0, 0, 0] > 127)
    left = int(clip[0, 0, -1 if flip else 0, 1]) // 8
    x = clip[:, 0, 0, 0].astype(int)
    moments = ((255 - x if flip else x) // 2).tolist()
    expected = stacks("long", moments)[:, 2:10, left : left + 10]
    if flip:
        expected = expected[:, :, ::-1].copy()
        expected[..., ::2] = 255 - expected[..., ::2]
    # All rows are alike: where the window's top is does not show.
    np.testing.assert_array_equal(clip, expected)
    return tuple(moments), left, flip


def test_the_mirror_image_moves_the_other_way(tmp_path):
    pictures = moved((3, -2))
    (field,) = fields_of(pictures, "farneback", (64, 64))
    (mirrored,) = fields_of([p[:, ::-1] for p in pictures], "farneback", (64, 64))
    from slr_keras.data.loaders.flow import _cut

    seen = _cut(field, Window(0, 0, 64, 64, flip=True)).astype(int)
    assert np.abs(seen - mirrored)[16:48, 16:48].max() <= 2
    assert displacements(mirrored)[16:48, 16:48, 0].mean() < -2.5


def test_flow_of_another_rate_keeps_the_time_of_its_moments(folder):
    path = folder / "train.jsonl"
    samples = [json.loads(line) | {"fps": 50.0} for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    clips = loader(folder)
    assert clips.contract.fps == 25.0
    row = [sample["id"] for sample in samples].index("long")
    # 20 of 40 pictures, every second one from picture 1 on, hence 15 moments.
    assert clips.frames[row] == 15
    clip, _ = clips.load(row)
    expected = stacks("long", range(1, 30, 2))[:, 2:10, 3:13]
    np.testing.assert_array_equal(clip[:15], expected)


def test_batches_of_flow_are_announced_as_they_are(folder):
    train = read_folder(folder)["train"]
    options = ClipOptions(segments=Segments(8), stream="flow")
    data = ClipDataset(train, GLOSSES, train.frame_contract, 2, False, options)
    assert data.element_spec()["video"].shape.as_list() == [None, None, 8, 10, 10]
    shapes = {batch["video"].shape for batch in data.numpy_batches()}
    assert shapes == {(2, 8, 8, 10, 10), (1, 8, 8, 10, 10)}


def test_flow_that_is_missing_damaged_or_stale_is_refused_with_what_to_do(folder):
    path = folder / "flow/train/nine.zip"
    whole = path.read_bytes()
    row = list(LENGTHS).index("nine")

    def refused(match):
        with pytest.raises(UserError, match=f"(?s)train.jsonl:4: sample 'nine'.*{match}"):
            loader(folder).load(row)

    path.unlink()
    refused("this clip has no flow; run `slr flow")
    for damage in (whole[: len(whole) // 2], b"", whole.replace(b"PNG", b"GNP")):
        path.write_bytes(damage)
        refused(r"nine.zip: damaged")
    record = {**FlowFile(folder / "flow/train/long.zip").record, "frames": 9, "bound": 32.0}
    write_flow(path, made_up("nine"), record)
    refused(r"made with bound 32.0 and not 20.0")
    write_flow(path, made_up("nine"), {**record, "bound": 20.0, "frames": 8})
    refused(r"made with frames 8 and not 9")
    write_flow(path, made_up("nine")[:4], {**record, "bound": 20.0})
    refused("damaged")


def test_a_folder_without_flow_or_with_flow_of_another_size_is_refused(folder):
    FrameContract((WIDTH, HEIGHT), resize=(20, 12)).write(folder / "frames.json")
    with pytest.raises(UserError, match=r"of 16 x 12, but frames.json resizes to 20 x 12"):
        loader(folder)
    path = folder / "flow/flow.json"
    value = json.loads(path.read_text())
    path.write_text(json.dumps({**value, "settings": {"preset": "FAST"}}))
    with pytest.raises(UserError, match=r"flow.json: was made by another version"):
        loader(folder)
    path.write_text("[]")
    with pytest.raises(UserError, match=r"flow.json: the content is .*an object"):
        loader(folder)
    path.unlink()
    with pytest.raises(UserError, match="has no optical flow; run"):
        loader(folder)


def test_flow_has_no_colours(folder):
    with pytest.raises(UserError, match=r"video_augmentation.colour is 0.2"):
        loader(folder, VideoAugmentationConfig(colour=0.2))


def test_names_of_clips_become_names_of_files(tmp_path):
    ids = ["a", "A/b", "../c", ".d", "e%2Ff", "ü" * 90, "ü" * 91, "x" * 300, "x" * 301]
    paths = [flow_file(tmp_path, Sample(name, (), 1, split="dev")) for name in ids]
    assert len(set(paths)) == len(ids)
    for path in paths:
        assert path.parent == tmp_path / "flow/dev"
        assert len(path.name.encode()) < 255
        assert not path.name.startswith(".")
