"""Support vector machines over clips of one sign."""

from itertools import product

import numpy as np
import pytest

from slr_keras.baselines import SvmBaseline, svm
from slr_keras.baselines.svm import COSTS, SHARPNESSES, resampled
from slr_keras.data.manifest import FolderWriter, read_folder
from slr_keras.metrics import word_error_rate
from slr_keras.utils.errors import UserError

pytest.importorskip("sklearn")


def recognised(baseline, manifest):
    clips = (manifest.contract.prepare(manifest.load(row)) for row in range(len(manifest)))
    return [baseline.recognise(clip) for clip in clips]


def test_it_names_the_signs_of_unseen_signers(signs):
    splits = read_folder(signs)
    baseline = SvmBaseline().fit(splits["train"], splits["dev"])
    found = recognised(baseline, splits["test"])
    references = [sample.glosses for sample in splits["test"]]
    assert word_error_rate(references, found).wer <= 20
    assert all(len(glosses) == 1 for glosses in found)


def test_options_are_those_with_the_fewest_errors_on_all_of_dev(signs):
    splits = read_folder(signs)
    dev = splits["dev"]
    baseline = SvmBaseline().fit(splits["train"], dev)
    references = [sample.glosses for sample in dev]

    def errors(mirror, cost, sharpness):
        baseline.options = {"mirror": mirror, "cost": cost, "sharpness": sharpness}
        return word_error_rate(references, recognised(baseline, dev)).errors

    chosen = dict(baseline.options)
    every = {key: errors(*key) for key in product((True, False), COSTS, SHARPNESSES)}
    assert every[chosen["mirror"], chosen["cost"], chosen["sharpness"]] == min(every.values())


def test_signs_of_the_other_hand_are_recognised_by_mirrored_training_clips(world, tmp_path):
    folder = world(tmp_path / "data", longest=1, spans=False, left_handed=("test",))
    splits = read_folder(folder)
    references = [sample.glosses for sample in splits["test"]]
    errors = {}
    for mirror in ("auto", "always", "never"):
        baseline = SvmBaseline(mirror=mirror).fit(splits["train"], splits["dev"])
        errors[mirror] = word_error_rate(references, recognised(baseline, splits["test"])).errors
        learnt = len(baseline.machines[baseline.options["mirror"]].labels)
        assert learnt == len(splits["train"]) * (1 if mirror == "never" else 2)
    # Dev has the hand of train and shows no difference, so that auto mirrors.
    assert errors["auto"] == errors["always"] < errors["never"] - 2


def test_dev_of_the_other_hand_chooses_mirroring_and_dev_of_ambiguous_signs_does_not(
    world, tmp_path
):
    left = read_folder(world(tmp_path / "left", longest=1, spans=False, left_handed=("dev",)))
    assert SvmBaseline().fit(left["train"], left["dev"]).options["mirror"]
    # Where the hand is the sign, mirrored training clips contradict the others.
    rules, rng = left["train"].contract, np.random.default_rng(0)
    names = rules.source.points
    other = [names.index(rules.source.mirror[name]) for name in names]
    with FolderWriter(tmp_path / "hands", rules) as writer:
        for split, count in (("train", 20), ("dev", 10)):
            for k in range(count):
                clip = np.array(left["train"].load(0))
                if k % 2:
                    clip = clip[:, other]
                    clip[..., 0] *= -1
                clip[..., :2] += rng.normal(0, 0.02, clip[..., :2].shape)
                gloss = ["RIGHT", "LEFT"][k % 2]
                writer.add(split, id=f"{split}{k}", glosses=[gloss], keypoints=clip)
    hands = read_folder(tmp_path / "hands")
    assert not SvmBaseline().fit(hands["train"], hands["dev"]).options["mirror"]


def test_more_clips_than_memory_holds_are_refused_before_anything_is_computed(signs, monkeypatch):
    monkeypatch.setattr(svm, "MOST_CLIPS", 30)
    splits = read_folder(signs)
    SvmBaseline(mirror="never").fit(splits["train"], splits["dev"])
    with pytest.raises(UserError, match="48 clips, copies included"):
        SvmBaseline().fit(splits["train"], splits["dev"])


def test_the_kernel_is_gaussian_in_units_of_the_mean_distance(signs):
    splits = read_folder(signs)
    baseline = SvmBaseline().fit(splits["train"], splits["dev"])
    machines = baseline.machines[False]
    vectors = machines.vectors
    squares = ((vectors[:, None] - vectors[None]) ** 2).sum(axis=-1)
    kernel = machines.kernel(machines.squared_distances(vectors), 4.0)
    np.testing.assert_allclose(kernel, np.exp(-4 * squares / squares.mean()), atol=1e-6)


def test_clips_of_one_frame_and_of_many_have_the_same_length():
    assert resampled(np.array([[3.0, 4.0]]), 3).tolist() == [3.0, 4.0] * 3
    assert resampled(np.arange(9.0)[:, None], 3).tolist() == [0.0, 4.0, 8.0]


def test_sentences_are_refused(sentences):
    splits = read_folder(sentences)
    with pytest.raises(UserError, match="names the one sign of a clip"):
        SvmBaseline().fit(splits["train"], splits["dev"])
