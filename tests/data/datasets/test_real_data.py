"""The development data itself: every set gives the numbers that its provenance states."""

import numpy as np
import pytest

from slr_keras.data.datasets import dataset
from slr_keras.data.manifest import read_folder
from slr_keras.text.transcripts import read_transcripts

pytestmark = pytest.mark.shared_data


@pytest.fixture
def prepare(shared_data, tmp_path):
    """Prepare a set into a folder that is removed again: some take 100 MB."""
    made = []

    def prepare(name: str, **options):
        folder = tmp_path / str(len(made))
        made.append(folder)
        known = dataset(name)
        known.prepare(shared_data / name, folder, **options)
        return read_folder(folder)

    yield prepare
    for folder in made:
        for path in folder.glob("*"):
            path.unlink()


def counts(splits) -> dict[str, int]:
    return {name: len(split) for name, split in splits.items()}


def glosses(splits) -> list[str]:
    return [gloss for split in splits.values() for sample in split for gloss in sample.glosses]


def test_kinect_has_1890_clips_of_30_signs_by_7_signers(prepare):
    splits = prepare("kinect_isl30", stride=1)
    assert counts(splits) == {"train": 1620, "dev": 270}
    assert len(set(glosses(splits))) == 30
    assert len({s.signer for s in splits["train"]}) == 6
    assert {s.signer for s in splits["dev"]} == {"S09"}
    lengths = np.concatenate([split.lengths for split in splits.values()])
    assert (lengths.max(), lengths.sum()) == (189, 141943)
    # Metres over the length of the trunk: a hand is never far from the body.
    prepared = splits["dev"].contract.prepare(splits["dev"].load(0))
    assert abs(prepared[..., :3]).max() < 3


def test_kinect_sentences_fit_the_longest_clip_that_models_take(prepare):
    splits = prepare("kinect_isl30", form="sentences", sentences=40, test_signers=("S08",))
    assert counts(splits) == {"train": 200, "dev": 40, "test": 40}
    assert len(set(glosses(splits))) == 30
    assert max(split.lengths.max() for split in splits.values()) <= 400


@pytest.mark.parametrize(("fold", "clips"), [("s1", 130), ("s3", 390)])
def test_ksl13_leaves_one_of_four_sessions_out(prepare, fold, clips):
    splits = prepare("ksl13", fold=fold)
    assert sum(counts(splits).values()) == 1820
    assert len(splits["test"]) == clips
    assert len(set(glosses(splits))) == 13
    assert {s.signer for s in splits["test"]} == {fold}


def test_ksl13_takes_whole_sessions_for_dev_and_test(prepare):
    splits = prepare("ksl13", test_session="s2", dev_session="s1")
    assert counts(splits) == {"train": 1040, "dev": 130, "test": 650}
    assert not {s.signer for s in splits["train"]} & {"s1", "s2"}


@pytest.mark.parametrize("part", ["words", "letters"])
def test_the_test_clips_of_traduttore_are_the_last_tenth_whatever_becomes_of_dev(prepare, part):
    plain, gap = (
        prepare("traduttore_asl", part=part),
        prepare("traduttore_asl", part=part, dev_gap=0.1),
    )
    for name in ("dev", "test"):
        assert [s.id for s in plain[name]] == [s.id for s in gap[name]]
    assert len(plain["test"]) == {"words": 382, "letters": 255}[part]
    assert len(gap["train"]) < len(plain["train"])


def test_boston_has_161_sentences_of_710_signs_and_112_glosses_by_3_signers(prepare):
    splits = prepare("rwth_boston104")
    assert counts(splits) == {"train": 128, "dev": 33}
    assert len(glosses(splits)) == 710
    assert len(set(glosses(splits))) == 112
    assert {s.signer for split in splits.values() for s in split} == {
        "man-1", "woman-1", "woman-2",
    }  # fmt: skip


def test_boston_s_sentences_are_those_of_its_sentence_table(prepare, shared_data):
    splits = prepare("rwth_boston104")
    table = {
        line.split(",")[0]: line.split(",")[3].split()
        for line in (shared_data / "rwth_boston104/train_sentences.csv")
        .read_text()
        .splitlines()[1:]
    }
    assert {s.id: list(s.glosses) for split in splits.values() for s in split} == table


def test_phoenix_skeletons_are_ten_sentences_of_the_corpus(prepare, shared_data):
    splits = prepare("phoenix14t_skeletons")
    assert counts(splits) == {"train": 10, "dev": 10}
    corpus = {
        f"{split}/{name}": transcript.glosses
        for split in ("train", "dev")
        for name, transcript in read_transcripts(
            shared_data / "annotations" / f"phoenix2014-T-groundtruth-{split}.stm"
        ).items()
    }
    for sample in splits["train"]:
        assert sample.glosses == corpus[sample.id]
        prepared = splits["train"].contract.prepare(splits["train"].load(sample))
        assert (prepared[..., -1] == 1).all()


@pytest.mark.parametrize(
    ("name", "options", "clips", "labels"),
    [
        ("traduttore_asl", {}, 3754, 33),
        ("traduttore_asl", {"part": "letters"}, 2491, 28),
        ("asl_signwish", {}, 880, 11),
        ("holistic_full_sample", {}, 90, 3),
        ("msl150_sample", {}, 86, 5),
    ],
    ids=["words", "letters", "signwish", "holistic", "msl150"],
)
def test_mediapipe_sets_have_their_sizes_and_hands_at_the_end_of_arms(
    prepare, name, options, clips, labels
):
    splits = prepare(name, **options)
    assert sum(counts(splits).values()) == clips
    assert len(set(glosses(splits))) == labels
    if options:
        return  # letters have no arms
    train = splits["train"]
    points = train.contract.source.points
    for side, other in (("left", "right"), ("right", "left")):
        rows = [
            points.index(point)
            for point in (f"{side}_hand_wrist", f"{side}_wrist", f"{other}_wrist")
        ]
        some = np.concatenate([train.load(i) for i in range(0, len(train), len(train) // 20)])
        hand, wrist, far = (some[:, row] for row in rows)
        seen = hand[:, -1] > 0
        near = np.median(np.linalg.norm(hand[seen, :2] - wrist[seen, :2], axis=-1))
        assert near < 0.4 * np.median(np.linalg.norm(hand[seen, :2] - far[seen, :2], axis=-1))
