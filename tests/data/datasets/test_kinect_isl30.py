"""Kinect signs, turned to the camera, and sentences composed from them."""

import numpy as np
import pytest

from slr_keras.data.composition.whole_clips import IsolatedClip, compose_sentences
from slr_keras.data.datasets import kinect_isl30
from slr_keras.data.layout import layout
from slr_keras.data.manifest import read_folder
from slr_keras.utils.errors import UserError

LEFT, RIGHT = layout("kinect_20").indices(("shoulder_left", "shoulder_right"))
SIGNERS = ("S01", "S03", "S09")


@pytest.fixture
def source(tmp_path):
    """3 signers x 4 signs x 2 repetitions, bodies turned by different angles."""
    random = np.random.default_rng(0)
    body = random.normal(0, 0.3, (20, 3))
    body[LEFT], body[RIGHT] = (-0.2, 0.4, 0), (0.2, 0.4, 0)
    clips, labels, signers, reps = [], [], [], []
    for signer in SIGNERS:
        for label in ("day", "go", "home", "name"):
            for rep in (1, 2):
                angle = random.uniform(-0.2, 1.2)
                turn = np.array(
                    [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0],
                     [-np.sin(angle), 0, np.cos(angle)]]
                )  # fmt: skip
                moves = body + random.normal(0, 0.02, (random.integers(10, 20), 20, 3))
                clips.append((moves @ turn + random.uniform(-0.5, 0.5, 3)).astype("f4"))
                labels.append(label)
                signers.append(signer)
                reps.append(rep)
    folder = tmp_path / "source"
    folder.mkdir()
    np.savez(
        folder / "sequences.npz",
        frames=np.concatenate(clips),
        lengths=np.array([len(clip) for clip in clips], "i4"),
        labels=np.array(labels),
        signers=np.array(signers),
        reps=np.array(reps, "i2"),
    )
    return folder


def test_isolated_signs_keep_signers_apart_and_every_second_frame(source, tmp_path):
    kinect_isl30.prepare(source, tmp_path / "out")
    splits = read_folder(tmp_path / "out")
    assert {s.signer for s in splits["train"]} == {"S01", "S03"}
    assert {s.signer for s in splits["dev"]} == {"S09"}
    assert [len(split) for split in splits.values()] == [16, 8]
    assert (splits["train"][0].id, splits["train"][0].fps) == ("day-S01-1", 15.0)
    lengths = np.load(source / "sequences.npz")["lengths"]
    assert splits["train"].lengths.tolist() == (-(-lengths[:16] // 2)).tolist()


def test_recorded_clips_are_stored_as_they_are(source, tmp_path):
    kinect_isl30.prepare(source, tmp_path / "out", stride=1, facing="recorded")
    train = read_folder(tmp_path / "out")["train"]
    data = np.load(source / "sequences.npz")
    clip = train.load(1)
    start = data["lengths"][0]
    np.testing.assert_array_equal(clip[..., :3], data["frames"][start : start + len(clip)])
    assert (clip[..., 3] == 1).all()


def test_facing_the_camera_turns_the_body_and_keeps_its_shape(source, tmp_path):
    kinect_isl30.prepare(source, tmp_path / "out", stride=1)
    train = read_folder(tmp_path / "out")["train"]
    data = np.load(source / "sequences.npz")
    for index, recorded in enumerate(np.split(data["frames"], np.cumsum(data["lengths"]))[:16]):
        turned = train.load(index)[..., :3]
        across = np.median(turned[:, RIGHT] - turned[:, LEFT], axis=0)
        assert across[0] > 0.3
        assert abs(across[2]) < 0.03
        for pair in ((0, 8), (5, 11)):
            before, after = (c[:, pair[0]] - c[:, pair[1]] for c in (recorded, turned))
            np.testing.assert_allclose(
                np.linalg.norm(before, axis=-1), np.linalg.norm(after, axis=-1), rtol=1e-4
            )
        np.testing.assert_allclose(recorded[..., 1], turned[..., 1], atol=1e-5)


def test_sentences_are_real_clips_of_one_signer_with_spans(source, tmp_path):
    kinect_isl30.prepare(
        source, tmp_path / "out", form="sentences", sentences=6, dev_signers=("S03",),
        test_signers=("S09",), stride=1,
    )  # fmt: skip
    kinect_isl30.prepare(source, tmp_path / "isolated", dev_signers=(), stride=1)
    isolated = read_folder(tmp_path / "isolated")["train"]
    real = {sample.id: isolated.load(sample) for sample in isolated}
    splits = read_folder(tmp_path / "out")
    assert [len(split) for split in splits.values()] == [6, 6, 6]
    for split in splits.values():
        for sample in split:
            keypoints = split.load(sample)
            assert 2 <= len(sample.glosses) <= 5
            for (start, end), name, gloss in zip(
                sample.extra["spans"], sample.extra["clips"], sample.glosses
            ):
                assert name.split("-")[:2] == [gloss, sample.signer]
                moved = keypoints[start:end, :, :3] - real[name][..., :3]
                # The clip is there whole, moved as one to where the body stands.
                np.testing.assert_allclose(
                    moved, np.broadcast_to(moved[0, 0], moved.shape), atol=1e-5
                )
            assert sample.extra["spans"][-1][1] == sample.frames


def test_no_sentence_of_dev_or_test_is_in_another_split(source, tmp_path):
    kinect_isl30.prepare(
        source, tmp_path / "out", form="sentences", sentences=5, words=(2, 3),
        dev_signers=("S03",), test_signers=("S09",),
    )  # fmt: skip
    glosses = {
        name: {sample.glosses for sample in split}
        for name, split in read_folder(tmp_path / "out").items()
    }
    assert not glosses["train"] & (glosses["dev"] | glosses["test"])
    assert not glosses["dev"] & glosses["test"]


def test_the_same_seed_composes_the_same_and_another_seed_others(source, tmp_path):
    made = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        kinect_isl30.prepare(source, tmp_path / name, form="sentences", sentences=4, seed=seed)
        made.append((tmp_path / name / "train.npy").read_bytes())
    assert made[0] == made[1] != made[2]


def clips(count: int, signs: int) -> list[IsolatedClip]:
    return [
        IsolatedClip(f"{i}", f"G{i % signs}", np.full((6, 3, 4), i, np.float32))
        for i in range(count)
    ]


def test_every_clip_is_used_as_often_as_any_other_and_no_sign_twice_in_a_row():
    generator = np.random.default_rng(0)
    sentences = list(compose_sentences(clips(12, 4), 200, generator, root=[0]))
    used = [name for sentence in sentences for name in sentence.clips]
    counts = np.bincount([int(name) for name in used], minlength=12)
    assert counts.min() > 0.85 * counts.mean()
    for sentence in sentences:
        assert all(a != b for a, b in zip(sentence.glosses, sentence.glosses[1:]))


def test_transitions_move_smoothly_between_the_poses_they_join():
    steps = np.linspace(0, 1, 6)[:, None, None]
    first = IsolatedClip("a", "A", np.concatenate([np.zeros((6, 2, 3)), np.ones((6, 2, 1))], -1))
    moving = np.concatenate([np.zeros((6, 1, 3)), np.ones((6, 1, 3)) + steps], 1)
    second = IsolatedClip("b", "B", np.concatenate([moving, np.full((6, 2, 1), 0.5)], -1))
    generator = np.random.default_rng(0)
    sentence = next(
        compose_sentences([first, second], 1, generator, root=[0], words=(2, 2), transition=(5, 5))
    )
    (_, end), (start, _) = sentence.spans
    assert start - end == 5
    between = sentence.keypoints[end - 1 : start + 1, 1, 0]
    steps = np.diff(between)
    assert (steps > 0).all() or (steps < 0).all()
    assert abs(steps).max() < 2 * abs(between[-1] - between[0]) / len(steps)
    assert (sentence.keypoints[end:start, :, 3] == 0.5).all()


def test_the_body_stays_where_it_stood_in_the_first_clip():
    def standing_at(name: str, place: float) -> IsolatedClip:
        points = np.full((6, 2, 4), place, np.float32)
        points[:, 1, 0] += 0.5
        points[..., 3] = 1
        return IsolatedClip(name, name, points)

    made = next(
        compose_sentences(
            [standing_at("a", 0), standing_at("b", 7)],
            1,
            np.random.default_rng(0),
            root=[0],
            words=(2, 2),
        )
    )
    np.testing.assert_allclose(np.ptp(made.keypoints, axis=0), 0, atol=1e-6)


def test_too_few_new_sentences_end_with_an_error_and_not_in_a_loop():
    avoid = {("G0", "G1"), ("G1", "G0")}
    with pytest.raises(UserError, match="only 0 of 3"):
        list(
            compose_sentences(
                clips(4, 2), 3, np.random.default_rng(0), root=[0], words=(2, 2), avoid=avoid
            )
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dev_signers": ("S77",)}, "no signer 'S77'.*S01, S03, S09"),
        ({"dev_signers": SIGNERS}, "left for train"),
        ({"stride": 0}, "stride"),
        ({"words": (3,)}, "words two numbers"),
        ({"words": (5, 2), "form": "sentences"}, "ascending"),
    ],
)
def test_options_out_of_range_are_reported_and_write_nothing(source, tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        kinect_isl30.prepare(source, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_lengths_that_do_not_add_up_are_reported(source, tmp_path):
    data = dict(np.load(source / "sequences.npz"))
    data["lengths"][0] += 1
    np.savez(source / "sequences.npz", **data)
    with pytest.raises(UserError, match=r"sequences\.npz: 'lengths' do not add up"):
        kinect_isl30.prepare(source, tmp_path / "out")
