"""Sets recorded by MediaPipe, from stand-ins in the layout of their files."""

import numpy as np
import pytest

from slr_keras.data.datasets import (
    asl_signwish,
    holistic_full_sample,
    ksl13,
    mediapipe,
    mp_data,
    msl150_sample,
    traduttore_asl,
)
from slr_keras.data.datasets.mediapipe import assemble
from slr_keras.data.datasets.prepare import passed_over
from slr_keras.data.layout import layout
from slr_keras.data.manifest import read_folder
from slr_keras.utils.errors import UserError

ROW = {name: row for row, name in enumerate(layout("mediapipe_75").points)}
SHOULDERS = (ROW["left_shoulder"], ROW["right_shoulder"])


def words(labels, frames=4, **arrays) -> dict[str, np.ndarray]:
    """Arrays of isolated signs whose every value tells where it comes from."""
    count = len(labels)
    random = np.random.default_rng(0)
    made = {"labels": np.array(labels), "index": np.arange(count)}
    for name, points, channels in (
        ("pose", 33, 4),
        ("left_hand", 21, 3),
        ("right_hand", 21, 3),
    ):
        made[name] = random.uniform(0.1, 0.9, (count, frames, points, channels)).astype("f2")
    return made | arrays


def test_points_land_in_their_rows_in_pixels_with_scores():
    data = words(["a"])
    data["left_hand"][0, 1] = 0
    points = assemble("640x480", data["left_hand"], data["right_hand"], data["pose"])
    assert points.shape == (1, 4, 75, 4)
    shoulder = data["pose"][0, 2, 11].astype("f4")
    np.testing.assert_allclose(
        points[0, 2, ROW["left_shoulder"]], shoulder * (640, 480, 640, 1), rtol=1e-6
    )
    tip = data["right_hand"][0, 2, 20].astype("f4")
    np.testing.assert_allclose(
        points[0, 2, ROW["right_little_4"]], [*(tip * (640, 480, 640)), 1], rtol=1e-6
    )
    assert (points[0, 1, ROW["left_hand_wrist"] :][:21] == 0).all()
    assert (points[0, 1, ROW["right_hand_wrist"] :, 3] == 1).all()


def test_a_hand_keeps_its_shape_when_it_turns():
    """Fractions of a wide image would stretch it; pixels do not."""
    width, height = 1280, 720
    for angle in (0, 0.5, 1.5):
        finger = np.array([np.cos(angle) * 100 / width, np.sin(angle) * 100 / height, 0])
        hand = np.tile([0.5, 0.5, 0.0], (1, 21, 1)) + np.linspace(0, 1, 21)[:, None] * finger
        points = assemble(f"{width}x{height}", hand, np.zeros((1, 21, 3)))
        length = np.linalg.norm(points[0, 53, :2] - points[0, 33, :2])
        assert length == pytest.approx(100, rel=1e-4)


def test_ksl13_keeps_one_session_out(tmp_path):
    labels = ["do it", "no"] * 12
    session = np.repeat(["s0", "s1", "s2", "s3"], 6)
    np.savez(tmp_path / "words.npz", **words(labels, session=session))
    ksl13.prepare(tmp_path, tmp_path / "out", fold="s1", dev_fraction=0.3)
    splits = read_folder(tmp_path / "out")
    assert {name: len(split) for name, split in splits.items()} == {
        "train": 12, "dev": 6, "test": 6,
    }  # fmt: skip
    assert {sample.signer for sample in splits["test"]} == {"s1"}
    assert "s1" not in {sample.signer for sample in splits["train"]}
    first = splits["train"][0]
    assert (first.glosses, first.id) == (("do-it",), "do-it-s0-0000")
    contract = splits["train"].contract
    assert (contract.normalisation, contract.image_size) == ("body", (640.0, 480.0))


def test_an_unknown_session_is_reported(tmp_path):
    np.savez(tmp_path / "words.npz", **words(["a"] * 3, session=np.array(["s0"] * 3)))
    for options in ({"fold": "s7"}, {"test_session": "s7"}, {"fold": "s0", "dev_session": "s7"}):
        with pytest.raises(UserError, match=r"words\.npz: no session 's7' .*known are s0"):
            ksl13.prepare(tmp_path, tmp_path / "out", **options)


def of_sessions(folder, *sessions: str, each: int = 6, file: str = "words.npz", start=0) -> None:
    session = np.repeat(sessions, each)
    made = words(["do it", "no"] * (len(session) // 2), session=session)
    made["pose"] = made["pose"] + np.float16(start)
    np.savez(folder / file, **made)


def test_a_whole_session_of_ksl13_is_dev_and_no_split_shares_one(tmp_path):
    of_sessions(tmp_path, "s0", "s1", "s2", "s3")
    ksl13.prepare(tmp_path, tmp_path / "out", test_session="s2", dev_session="s1")
    splits = read_folder(tmp_path / "out")
    assert {name: {s.signer for s in split} for name, split in splits.items()} == {
        "train": {"s0", "s3"}, "dev": {"s1"}, "test": {"s2"},
    }  # fmt: skip
    assert sum(map(len, splits.values())) == 24


def test_ksl13_without_a_test_session_has_every_session_in_train_and_dev(tmp_path):
    of_sessions(tmp_path, "s0", "s1", "s2", "s3")
    ksl13.prepare(tmp_path, tmp_path / "out", test_session="none", dev_session="s1")
    splits = read_folder(tmp_path / "out")
    assert {name: {s.signer for s in split} for name, split in splits.items()} == {
        "train": {"s0", "s2", "s3"}, "dev": {"s1"},
    }  # fmt: skip


def test_one_session_of_ksl13_cannot_be_dev_and_test_nor_named_twice_over(tmp_path):
    of_sessions(tmp_path, "s0", "s1", "s2")
    with pytest.raises(UserError, match="session 's1' cannot be in dev and in test"):
        ksl13.prepare(tmp_path, tmp_path / "out", test_session="s1", dev_session="s1")
    with pytest.raises(UserError, match="--fold s0 and --test-session s1"):
        ksl13.prepare(tmp_path, tmp_path / "out", fold="s0", test_session="s1")


def test_a_fifth_session_of_ksl13_may_stand_in_the_file_or_in_a_second_one(tmp_path):
    of_sessions(tmp_path, "s0", "s1", "s2", "s4")
    ksl13.prepare(tmp_path, tmp_path / "one", fold="s4")
    of_sessions(tmp_path, "s0", "s1", "s2")
    of_sessions(tmp_path, "s4", file="more.npz", start=1)
    data = dict(np.load(tmp_path / "more.npz"))
    del data["session"]
    np.savez(tmp_path / "s4.npz", **data)
    for name, file in (("two", "more.npz"), ("three", str(tmp_path / "s4.npz"))):
        ksl13.prepare(
            tmp_path, tmp_path / name, test_session="s4", dev_session="s0", session_file=file
        )
        splits = read_folder(tmp_path / name)
        assert {s.signer for s in splits["test"]} == {"s4"}
        assert {s.signer for s in splits["train"]} == {"s1", "s2"}
        np.testing.assert_allclose(
            splits["test"].load(0)[:, 0, 0], data["pose"][0, :, 0, 0].astype("f4") * 640, rtol=1e-3
        )
    assert {s.signer for s in read_folder(tmp_path / "one")["test"]} == {"s4"}


def test_a_second_file_of_ksl13_with_known_sessions_or_clips_is_refused(tmp_path):
    of_sessions(tmp_path, "s0", "s1", "s2")
    of_sessions(tmp_path, "s1", "s4", file="same_session.npz", start=1)
    of_sessions(tmp_path, "s4", "s5", "s6", file="same_clips.npz")
    for file, message in (
        ("same_session.npz", r"same_session\.npz: session 's1' is in the other data"),
        ("same_clips.npz", r"same_clips\.npz: 18 of its 18 clips, the first at row 0"),
        ("none.npz", r"--session-file none\.npz: no such file"),
    ):
        with pytest.raises(UserError, match=message):
            ksl13.prepare(tmp_path, tmp_path / "out", session_file=file)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("part", ["words", "letters"])
def test_traduttore_keeps_the_last_recordings(tmp_path, part):
    data = words(["a", "b"] * 10)
    if part == "letters":
        del data["pose"]
    np.savez(tmp_path / f"{part}.npz", **data)
    traduttore_asl.prepare(tmp_path, tmp_path / "out", part=part)
    splits = read_folder(tmp_path / "out")
    assert [sample.id for sample in splits["test"]] == ["a-0018", "b-0019"]
    clip = splits["train"].load(0)
    assert (clip[:, SHOULDERS, 3] > 0).any() == (part == "words")
    assert (clip[:, 33:, 3] == 1).all()


def test_a_model_of_letters_does_not_see_the_body_that_a_detector_finds():
    chosen = mediapipe.hands_contract("640x480", 30.0)
    clip = np.random.default_rng(0).uniform(1, 99, (9, 75, 4))
    clip[..., 3] = 1
    without = clip.copy()
    without[:, :33] = 0
    assert chosen.prepare(clip).shape == (9, 42, 3)
    np.testing.assert_array_equal(chosen.prepare(clip), chosen.prepare(without))


def test_a_second_hand_that_is_seen_for_a_moment_does_not_change_the_unit_of_letters():
    chosen = mediapipe.hands_contract("640x480", 30.0)
    clip = np.random.default_rng(0).uniform(1, 99, (9, 75, 4))
    clip[..., 3] = 1
    clip[:, 33:54] = 0
    moment = clip.copy()
    moment[4, 33:54] = clip[4, 54:75] + [1, 1, 0, 0]
    sizes = []
    for one in (clip, moment):
        hand = chosen.prepare(one)[:, 21:42, :2]
        sizes.append(hand - hand[:, :1])
    np.testing.assert_allclose(*sizes, rtol=1e-5)


def ordered(count: int, first: int = 0) -> dict[str, np.ndarray]:
    """Recordings of one label in a shuffled file; `index` is the time."""
    order = np.random.default_rng(1).permutation(count)
    made = words(["a"] * count, index=order + first)
    made["pose"] = made["pose"] + np.float16(first)
    return made


def numbers(split) -> list[int]:
    return sorted(int(sample.id.rsplit("-", 1)[1]) for sample in split)


def test_dev_of_traduttore_is_a_later_block_and_a_gap_moves_it_off_train_but_not_test(tmp_path):
    np.savez(tmp_path / "words.npz", **ordered(40))
    traduttore_asl.prepare(tmp_path, tmp_path / "plain")
    traduttore_asl.prepare(tmp_path, tmp_path / "gap", dev_gap=0.2)
    plain, gap = read_folder(tmp_path / "plain"), read_folder(tmp_path / "gap")
    assert numbers(plain["train"]) == list(range(32))
    assert numbers(gap["train"]) == list(range(24))
    for splits in (plain, gap):
        assert numbers(splits["dev"]) == list(range(32, 36))
        assert numbers(splits["test"]) == list(range(36, 40))


def test_a_held_out_file_of_traduttore_is_test_and_the_last_own_recordings_are_dev(tmp_path):
    np.savez(tmp_path / "words.npz", **ordered(40))
    np.savez(tmp_path / "words_test.npz", **ordered(10, first=40))
    traduttore_asl.prepare(tmp_path, tmp_path / "out", test_file="words_test.npz")
    splits = read_folder(tmp_path / "out")
    assert numbers(splits["train"]) == list(range(36))
    assert numbers(splits["dev"]) == list(range(36, 40))
    assert numbers(splits["test"]) == list(range(40, 50))


def test_held_out_clips_whose_numbers_begin_anew_have_ids_of_their_own(tmp_path):
    np.savez(tmp_path / "words.npz", **ordered(40))
    again = ordered(10, first=40) | {"index": np.arange(10)}
    np.savez(tmp_path / "words_test.npz", **again)
    traduttore_asl.prepare(tmp_path, tmp_path / "out", test_file="words_test.npz")
    splits = read_folder(tmp_path / "out")
    ids = [sample.id for split in splits.values() for sample in split]
    assert len(ids) == len(set(ids)) == 50
    assert splits["test"][0].id == "a-held-out-0000"


def test_a_held_out_file_of_clips_that_train_has_is_refused(tmp_path):
    np.savez(tmp_path / "words.npz", **ordered(40))
    with pytest.raises(UserError, match=r"words\.npz: 40 of its 40 clips.*in the other data"):
        traduttore_asl.prepare(tmp_path, tmp_path / "out", test_file="words.npz")


def test_signwish_is_one_signer(tmp_path):
    np.savez(tmp_path / "words.npz", **words(["bye"] * 10))
    asl_signwish.prepare(tmp_path, tmp_path / "out")
    splits = read_folder(tmp_path / "out")
    assert [len(split) for split in splits.values()] == [8, 1, 1]
    assert {sample.signer for split in splits.values() for sample in split} == {"s01"}


def test_the_holistic_sample_is_cut_where_its_face_ends(tmp_path):
    """The packed arrays are cut as if the pose came first; in truth the face does."""
    count, frames = 5, 2
    face = np.full((count, frames, 468 * 3), 0.25, "f2")
    pose = np.full((count, frames, 33 * 4), 0.75, "f2")
    values = np.concatenate([face, pose], axis=-1)
    data = words(["hello"] * count, frames)
    data["pose"] = values[..., :132].reshape(count, frames, 33, 4)
    data["face"] = values[..., 132:].reshape(count, frames, 468, 3)
    np.savez(tmp_path / "isl_3words.npz", **data)
    holistic_full_sample.prepare(tmp_path, tmp_path / "out")
    train = read_folder(tmp_path / "out")["train"]
    clip = train.load(0)
    assert train.contract.source.name == "mediapipe_holistic_543"
    assert len(train.contract.points) == 79
    np.testing.assert_array_equal(clip[:, :33, 0], 0.75 * 640)
    np.testing.assert_array_equal(clip[:, 33:501, 0], 0.25 * 640)
    np.testing.assert_allclose(
        clip[:, 501:522, 0], data["left_hand"][0, ..., 0].astype("f4") * 640, rtol=1e-6
    )


def test_msl150_has_the_upper_body_and_then_left_and_right(tmp_path):
    frames = np.ones((5, 3, 226), "f4")
    frames[..., :100] = 0.5
    frames[..., 100:163] = 0.25
    frames[..., 163:] = 0
    np.savez(
        tmp_path / "sample.npz", labels=np.array(["yo"] * 5), index=np.arange(5), frames=frames
    )
    msl150_sample.prepare(tmp_path, tmp_path / "out")
    clip = read_folder(tmp_path / "out")["train"].load(0)
    assert (clip[:, :25, 3] == 0.5).all()
    assert (clip[:, 25:33] == 0).all()
    assert (clip[:, 33:54, 0] == 0.25 * 1280).all()
    assert (clip[:, 54:] == 0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pose": None}, "no array 'pose'"),
        ({"pose": np.zeros((10, 4, 25, 4))}, r"'pose' has shape \(10, 4, 25, 4\)"),
        ({"labels": np.array(["a"] * 9)}, "different numbers of clips"),
    ],
)
def test_malformed_arrays_are_named(tmp_path, change, message):
    data = words(["bye"] * 10) | change
    np.savez(tmp_path / "words.npz", **{k: v for k, v in data.items() if v is not None})
    with pytest.raises(UserError, match=rf"words\.npz: .*{message}"):
        asl_signwish.prepare(tmp_path, tmp_path / "out")


@pytest.mark.parametrize("damage", ["truncated", "objects", "text"])
def test_damaged_arrays_are_reported(tmp_path, damage):
    path = tmp_path / "words.npz"
    data = words(["bye"] * 10)
    if damage == "objects":
        data["pose"] = np.array([{}] * 10, dtype=object)
    np.savez(path, **data)
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:2000])
    if damage == "text":
        path.write_text("no arrays")
    with pytest.raises(UserError, match=r"words\.npz: truncated, or not"):
        asl_signwish.prepare(tmp_path, tmp_path / "out")


@pytest.mark.parametrize("size", ["640", "0x480", "x", "axb", "640x480x3", "-1x5"])
def test_frame_sizes_that_are_none_are_reported(tmp_path, size):
    np.savez(tmp_path / "words.npz", **words(["bye"] * 10))
    with pytest.raises(UserError, match="frame size"):
        asl_signwish.prepare(tmp_path, tmp_path / "out", frame_size=size)


# --- folders of frames ------------------------------------------------------------------------


def recordings(folder, values: int, labels=("do it", "no"), count=10, frames=12) -> None:
    for label in labels:
        for recording in range(count):
            where = folder / label / str(recording)
            where.mkdir(parents=True)
            for frame in range(frames):
                np.save(where / f"{frame}.npy", np.full(values, (recording + frame + 1) / 100))


@pytest.mark.parametrize(
    ("values", "points"), [(1662, 543), (258, 75), (126, 75)], ids=["full", "no face", "hands"]
)
def test_folders_of_frames_become_clips_in_order_of_their_numbers(tmp_path, values, points):
    recordings(tmp_path / "in", values)
    mp_data.prepare(tmp_path / "in", tmp_path / "out", frame_size="100x100")
    splits = read_folder(tmp_path / "out")
    assert [len(split) for split in splits.values()] == [16, 2, 2]
    assert [sample.id for sample in splits["test"]] == ["do it/9", "no/9"]
    clip = splits["train"].load(0)
    assert clip.shape == (12, points, 4)
    # Frame 10 comes behind frame 9, not behind frame 1.
    np.testing.assert_allclose(clip[:, -1, 0], np.arange(1, 13), rtol=1e-6)


def test_recordings_that_have_the_face_first_are_read_by_their_option(tmp_path):
    where = tmp_path / "in" / "a"
    values = np.concatenate([np.full(1404, 0.25), np.full(132, 0.75), np.full(126, 0.5)])
    for recording in range(3):
        (where / str(recording)).mkdir(parents=True)
        np.save(where / str(recording) / "0.npy", values)
    mp_data.prepare(tmp_path / "in", tmp_path / "out", frame_size="100x100", order="face-pose")
    clip = read_folder(tmp_path / "out")["train"].load(0)
    np.testing.assert_allclose(clip[0, [0, 33, 501], 0], [75, 25, 50])


def test_a_missing_frame_and_another_number_of_values_are_named(tmp_path):
    recordings(tmp_path / "in", 258, count=3)
    (tmp_path / "in" / "no" / "1" / "4.npy").unlink()
    np.save(tmp_path / "in" / "no" / "0" / "4.npy", np.zeros(126))
    mp_data.prepare(tmp_path / "in", tmp_path / "out")
    hole, values = (failed.reason for failed in reversed(list(passed_over(tmp_path / "out"))))
    assert hole.endswith("1: its frames are not numbered without a hole")
    assert values.endswith("4.npy: 126 values, but 0.npy 258")


def test_frames_of_an_unknown_size_are_reported(tmp_path):
    recordings(tmp_path / "in", 7, count=3)
    with pytest.raises(UserError, match="7 values a frame; known are 1662, 258, 126"):
        mp_data.prepare(tmp_path / "in", tmp_path / "out")


def test_a_folder_a_signer_is_found_and_leaves_persons_out(tmp_path):
    for signer in ("ann", "bob", "cat"):
        recordings(tmp_path / "in" / signer, 126, count=3, frames=2)
    mp_data.prepare(tmp_path / "in", tmp_path / "out", dev_signers=("bob",), test_signers=("cat",))
    splits = read_folder(tmp_path / "out")
    assert {name: ({s.signer for s in split}, len(split)) for name, split in splits.items()} == {
        "train": ({"ann"}, 6), "dev": ({"bob"}, 6), "test": ({"cat"}, 6),
    }  # fmt: skip
    assert splits["train"][0].id == "ann/do it/0"
    assert splits["train"][0].glosses == ("do-it",)


def test_without_named_signers_the_last_recordings_of_every_signer_are_kept(tmp_path):
    for signer, count in (("ann", 10), ("bob", 20)):
        recordings(tmp_path / "in" / signer, 126, count=count, labels=("no",), frames=1)
    mp_data.prepare(tmp_path / "in", tmp_path / "out")
    splits = read_folder(tmp_path / "out")
    assert [s.id for s in splits["test"]] == ["ann/no/9", "bob/no/18", "bob/no/19"]
    assert [s.signer for s in splits["dev"]] == ["ann", "bob", "bob"]


def test_signers_are_mapped_to_folders_and_other_folders_left_out(tmp_path):
    for place in ("MP_Data", "MP_Data1", "old/MP_Data"):
        recordings(tmp_path / "in" / place, 126, count=2, labels=("no",), frames=1)
    mp_data.prepare(
        tmp_path / "in", tmp_path / "out", signers=("s0=MP_Data", "s1=old/MP_Data"),
        test_signers=("s1",),
    )  # fmt: skip
    splits = read_folder(tmp_path / "out")
    assert {name: [s.id for s in split] for name, split in splits.items()} == {
        "train": ["s0/no/0", "s0/no/1"], "test": ["s1/no/0", "s1/no/1"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dev_signers": ("dan",)}, "no signer 'dan'.*known are ann, bob"),
        ({"dev_signers": ("ann", "bob")}, "no signer is left for train"),
        ({"signers": ("dan",)}, "--signers dan: .*dan is no folder <label>/<recording>"),
        ({"signers": ("a=ann", "a=bob")}, "signer 'a' is named twice"),
        ({"signer": "ann"}, "has a folder for each signer"),
    ],
)
def test_signers_that_are_not_there_are_reported(tmp_path, options, message):
    for signer in ("ann", "bob"):
        recordings(tmp_path / "in" / signer, 126, count=2, frames=1)
    with pytest.raises(UserError, match=message):
        mp_data.prepare(tmp_path / "in", tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()
