"""Simulated clips: what they depend on, how splits differ, what the folder says."""

import numpy as np
import pytest

from slr_keras.data.manifest import read_folder
from slr_keras.data.simulator import Simulator, lexicon, simulate_folder
from slr_keras.data.simulator.grammar import pool_of
from slr_keras.utils.errors import UserError

SMALL = {"train": 12, "dev": 8, "test": 8}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return simulate_folder(tmp_path_factory.mktemp("simulated") / "demo", "demo", SMALL, seed=3)


def test_the_same_id_gives_the_same_clip_in_any_order():
    forwards, backwards = Simulator("demo", seed=3), Simulator("demo", seed=3)
    ids = ["test-00001", "test-00004", "test-00002"]
    first = {i: forwards.sample(i, "test") for i in ids}
    second = {i: backwards.sample(i, "test") for i in reversed(ids)}
    for i in ids:
        np.testing.assert_array_equal(first[i].keypoints, second[i].keypoints)
        assert first[i].glosses == second[i].glosses
        assert first[i].scene.spans == second[i].scene.spans


def test_a_larger_folder_begins_with_the_smaller_one(folder, tmp_path):
    larger = simulate_folder(tmp_path / "larger", "demo", {**SMALL, "train": 15}, seed=3)
    few, more = read_folder(folder)["train"], read_folder(larger)["train"]
    for i in (0, 7, 11):
        assert few[i] == more[i]
        np.testing.assert_array_equal(few.load(i), more.load(i))


def test_seed_split_and_id_each_change_the_clip():
    clip = Simulator("demo", seed=3).sample("a-00020", "train").keypoints
    others = [
        Simulator("demo", seed=4).sample("a-00020", "train"),
        Simulator("demo", seed=3).sample("a-00020", "dev"),
        Simulator("demo", seed=3).sample("a-00021", "train"),
    ]
    for other in others:
        same_shape = other.keypoints.shape == clip.shape
        assert not same_shape or not np.array_equal(other.keypoints, clip)


def test_no_split_shares_signers_or_sentences_with_another(folder):
    manifests = read_folder(folder)
    for part in ("signer", "glosses"):
        found = [{getattr(sample, part) for sample in manifest} for manifest in manifests.values()]
        assert all(found)
        assert sum(len(values) for values in found) == len(set.union(*found))


def test_sentences_of_any_size_of_set_are_disjoint():
    simulator = Simulator("demo")
    for split in ("train", "dev", "test"):
        for i in range(60):
            assert pool_of(simulator.sentence(f"{split}-{i:05d}", split)) == split


@pytest.mark.parametrize("name", ["demo", "large"])
def test_the_first_training_sentences_show_every_gloss(name):
    simulator = Simulator(name)
    shown = {
        gloss
        for i in range(len(simulator.covering))
        for gloss in simulator.sentence(f"train-{i:05d}", "train")
    }
    assert shown == set(simulator.lexicon.glosses)
    assert len(simulator.covering) < len(simulator.lexicon) / 2


def test_fewer_training_sentences_than_show_every_gloss_are_refused(tmp_path):
    with pytest.raises(UserError, match="cannot show all 20 glosses; ask for at least"):
        simulate_folder(tmp_path / "x", "demo", {"train": 2, "dev": 1, "test": 1})
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("sentences", [{"test": -1}, {"validation": 3}])
def test_impossible_numbers_of_sentences_are_refused(tmp_path, sentences):
    with pytest.raises(UserError, match="cannot simulate"):
        simulate_folder(tmp_path / "x", "demo", sentences)


@pytest.mark.parametrize("signers", [{"test": 0}, {"validation": 1}])
def test_impossible_numbers_of_signers_are_refused(signers):
    with pytest.raises(UserError, match="at least one signer"):
        Simulator("demo", signers={"train": 1, **signers})


def test_unknown_lexicon_split_and_gloss_are_refused():
    with pytest.raises(UserError, match="choose one of demo, large"):
        lexicon("huge")
    with pytest.raises(UserError, match="split 'validation' does not exist"):
        Simulator("demo").sample("a-1", "validation")
    with pytest.raises(UserError, match="'UNICORN' is not in lexicon 'demo'"):
        Simulator("demo").sample("a-1", "test", glosses=["UNICORN"])
    with pytest.raises(UserError, match="at least one gloss"):
        Simulator("demo").sample("a-1", "test", glosses=[])


def test_spans_are_ordered_inside_the_clip_and_one_per_gloss(folder):
    for manifest in read_folder(folder).values():
        for sample in manifest:
            spans = sample.extra["spans"]
            assert len(spans) == len(sample.glosses)
            edges = [0, *(edge for span in spans for edge in span), sample.frames]
            assert edges == sorted(edges)
            assert all(6 <= end - start <= 26 for start, end in spans)


def test_every_clip_leaves_room_for_its_glosses_at_a_quarter_of_the_frame_rate(folder):
    for manifest in read_folder(folder).values():
        for sample in manifest:
            assert sample.frames // 4 >= 2 * len(sample.glosses)


def test_signers_take_turns_and_a_given_signer_signs():
    simulator = Simulator("demo", signers={"train": 3, "dev": 1, "test": 2})
    names = [simulator.signer("train", i).name for i in range(4)]
    assert names == ["train01", "train02", "train03", "train01"]
    guest = simulator.signer("test", 1)
    assert simulator.sample("a-1", "train", signer=guest).scene.signer is guest


def test_only_the_large_lexicon_has_left_dominant_signers():
    for name, expected in (("demo", set()), ("large", {"train05", "train10", "test04"})):
        simulator = Simulator(name, signers={"train": 10, "dev": 2, "test": 4})
        people = [
            simulator.signer(split, i)
            for split, count in simulator.signers.items()
            for i in range(count)
        ]
        assert {person.name for person in people if person.left_dominant} == expected


def test_left_dominant_signers_move_the_left_hand():
    simulator = Simulator("large", signers={"train": 10, "dev": 2, "test": 4})
    for number, wrist, other in ((0, 10, 9), (4, 9, 10)):
        one_handed = next(sign.gloss for sign in simulator.lexicon if sign.hands == "one")
        signer = simulator.signer("train", number)
        points = simulator.scene("a-1", "train", [one_handed], signer).points
        travel = np.abs(np.diff(points, axis=0)).sum(axis=(0, 2))
        assert travel[wrist] > 3 * travel[other]
