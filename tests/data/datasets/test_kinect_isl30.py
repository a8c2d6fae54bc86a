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


def save_signers(source, file: str, *signers: str) -> dict[str, np.ndarray]:
    """Clips of other signers: those of S01, moved and renamed."""
    data = dict(np.load(source / "sequences.npz"))
    own = data["signers"] == "S01"
    frames = data["frames"][: data["lengths"][own].sum()]
    made = {
        "frames": np.concatenate([frames + 0.1 * i for i in range(len(signers))]).astype("f4"),
        "signers": np.repeat(signers, own.sum()),
    }
    made |= {k: np.tile(data[k][own], len(signers)) for k in ("lengths", "labels", "reps")}
    np.savez(source / file, **made)
    return made


@pytest.mark.parametrize("form", ["isolated", "sentences"])
def test_signers_of_a_test_file_are_test_and_change_no_other_split(source, tmp_path, form):
    save_signers(source, "test.npz", "S00", "S02")
    options = {"form": form, "sentences": 3, "words": (4, 5)}
    kinect_isl30.prepare(source, tmp_path / "plain", **options)
    kinect_isl30.prepare(source, tmp_path / "out", **options, test_file="test.npz")
    splits = read_folder(tmp_path / "out")
    assert {s.signer for s in splits["test"]} == {"S00", "S02"}
    assert len(splits["test"]) == {"isolated": 16, "sentences": 6}[form]
    for name in ("train.npy", "train.jsonl", "dev.npy", "dev.jsonl", "keypoints.json"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()


def save_sentences(source, **changed) -> dict[str, np.ndarray]:
    """Two ready-made sentences of signers S02 and S05."""
    random = np.random.default_rng(3)
    made = {
        "frames": random.normal(0, 0.3, (50, 20, 3)).astype("f4"),
        "lengths": np.array([30, 20]),
        "glosses": np.array(["day go home", "name day"]),
        "signers": np.array(["S02", "S05"]),
        "spans": np.array([[0, 9], [11, 20], [20, 30], [3, 9], [9, 20]]),
    } | changed
    np.savez(source / "sentences.npz", **{k: v for k, v in made.items() if v is not None})
    return made


def test_ready_made_sentences_are_test_with_their_spans_at_the_rate_of_the_clips(source, tmp_path):
    made = save_sentences(source)
    kinect_isl30.prepare(
        source, tmp_path / "out", form="sentences", sentences=3, sentences_file="sentences.npz",
        facing="recorded",
    )  # fmt: skip
    splits = read_folder(tmp_path / "out")
    first, second = splits["test"]
    assert (first.id, first.signer, first.glosses) == ("S02-0000", "S02", ("day", "go", "home"))
    assert (first.frames, first.fps, second.frames) == (15, 15.0, 10)
    assert first.extra["spans"] == [[0, 5], [6, 10], [10, 15]]
    assert second.extra["spans"] == [[2, 5], [5, 10]]
    np.testing.assert_array_equal(splits["test"].load(1)[..., :3], made["frames"][30::2])
    assert {s.signer for s in splits["train"]} == {"S01", "S03"}


def test_padded_spans_own_ids_and_a_rate_of_their_own_are_kept(source, tmp_path):
    spans = np.array([[[0, 9], [11, 20], [20, 30]], [[3, 9], [9, 20], [-1, -1]]])
    ids = np.array(["x", "y"])
    save_sentences(source, spans=spans, ids=ids, fps=np.array(15.0))
    kinect_isl30.prepare(
        source, tmp_path / "out", form="sentences", sentences=3,
        sentences_file=str(source / "sentences.npz"),
    )  # fmt: skip
    test = read_folder(tmp_path / "out")["test"]
    assert [(s.id, s.frames, s.fps) for s in test] == [("x", 30, 15.0), ("y", 20, 15.0)]
    assert test[1].extra["spans"] == [[3, 9], [9, 20]]


def test_no_composed_sentence_has_the_glosses_of_a_ready_made_one(source, tmp_path):
    pairs = ["day go", "go day", "day home", "home go", "go name", "name go"]
    save_sentences(
        source, frames=np.ones((60, 20, 3), "f4"), lengths=np.full(6, 10), spans=None,
        glosses=np.array(pairs), signers=np.array(["S02"] * 6),
    )  # fmt: skip
    kinect_isl30.prepare(
        source, tmp_path / "out", form="sentences", sentences=3, words=(2, 3), seed=2,
        sentences_file="sentences.npz",
    )  # fmt: skip
    splits = read_folder(tmp_path / "out")
    assert "spans" not in splits["test"][0].extra
    for name in ("train", "dev"):
        assert not {" ".join(s.glosses) for s in splits[name]} & set(pairs)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"glosses": None}, "no array 'glosses'"),
        ({"lengths": np.array([30, 21])}, "'lengths' do not add up"),
        ({"glosses": np.array(["day go", "name day"])}, "5 'spans' for 4 signs"),
        ({"glosses": np.array(["day go home", ""])}, "5 'spans' for 3 signs"),
        ({"spans": None, "glosses": np.array(["day", ""])}, "'S05-0000' has no glosses"),
        ({"spans": np.zeros((5, 2))}, "'spans' is float64"),
        ({"spans": np.full((2, 3, 2), [0, 9])}, "row 1 has 3 spans for 2 glosses"),
        ({"spans": np.full((5, 2), [0, 40])}, r"sample 'S02-0000': span \[0, 40\)"),
        ({"spans": np.array([[0, 9], [9, 10], [20, 30], [3, 9], [9, 20]])}, "span .5, 5. is empty"),
        ({"signers": np.array(["S02", "S03"])}, "signer 'S03' is in the other data"),
        ({"signers": np.array([2, 5])}, "'signers' is int64"),
        ({"signers": np.array(["S02"])}, "different numbers of clips"),
    ],
)
def test_sentences_that_do_not_fit_are_named_and_nothing_is_written(
    source, tmp_path, changed, message
):
    save_sentences(source, **changed)
    with pytest.raises(UserError, match=rf"sentences\.npz: .*{message}"):
        kinect_isl30.prepare(
            source, tmp_path / "out", form="sentences", sentences_file="sentences.npz"
        )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sentences_file": "sentences.npz"}, "needs --form sentences"),
        ({"test_file": "test.npz", "test_signers": ("S03",)}, "each is test; give one"),
        ({"test_file": "sequences.npz"}, r"sequences\.npz: signer 'S01' is in the other data"),
        ({"test_file": "none.npz"}, r"--test-file none\.npz: no such file"),
    ],
)
def test_held_out_files_that_contradict_other_options_are_refused(
    source, tmp_path, options, message
):
    save_sentences(source)
    save_signers(source, "test.npz", "S02")
    with pytest.raises(UserError, match=message):
        kinect_isl30.prepare(source, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


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
