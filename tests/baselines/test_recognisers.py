"""The baselines from a data folder to glosses."""

import subprocess
import sys
from functools import partial

import numpy as np
import pytest

from slr_keras.baselines import BagBaseline, DtwBaseline
from slr_keras.data.manifest import read_folder
from slr_keras.metrics import word_error_rate
from slr_keras.utils.errors import UserError

METHODS = {
    "plain dtw": DtwBaseline,
    "learned dtw": partial(DtwBaseline, "learned"),
    "bag": partial(BagBaseline, hidden=16),
}
EVERY = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


def rate(baseline, manifest):
    found = [
        baseline.recognise(manifest.contract.prepare(manifest.load(k)))
        for k in range(len(manifest))
    ]
    return word_error_rate([sample.glosses for sample in manifest], found).wer


@EVERY
def test_sentences_of_clear_signs_are_recognised(method, sentences):
    splits = read_folder(sentences)
    baseline = method().fit(splits["train"], splits["dev"])
    assert not baseline.isolated
    assert rate(baseline, splits["test"]) < 15


@EVERY
def test_single_signs_are_recognised_as_exactly_one_gloss(method, signs):
    splits = read_folder(signs)
    baseline = method().fit(splits["train"], splits["dev"])
    assert baseline.isolated
    assert rate(baseline, splits["test"]) < 10
    noise = np.random.default_rng(0).normal(size=splits["test"].load(0).shape)
    assert len(baseline.recognise(splits["test"].contract.prepare(noise))) == 1


@EVERY
def test_left_handed_signers_are_recognised_by_mirroring(method, world, tmp_path):
    splits = read_folder(world(tmp_path / "data", left_handed=("dev", "test")))
    baseline = method().fit(splits["train"], splits["dev"])
    assert baseline.options["mirror"]
    mirrored = rate(baseline, splits["test"])
    baseline.options["mirror"] = False
    assert mirrored + 20 < rate(baseline, splits["test"])


@EVERY
def test_without_dev_options_are_tuned_on_clips_held_out_of_train(method, sentences, monkeypatch):
    train = read_folder(sentences)["train"]
    baseline = method()
    trained, tuned = [], []
    train_on, tune_on = baseline._train, baseline._tune

    def watched_train(manifest, rows, progress):
        trained.append({manifest[row].id for row in rows})
        train_on(manifest, rows, progress)

    def watched_tune(manifest, progress):
        tuned.append({sample.id for sample in manifest})
        tune_on(manifest, progress)
        # Not what `_train` sets.
        assert baseline.options["mirror"]
        baseline.options["mirror"] = False

    monkeypatch.setattr(baseline, "_train", watched_train)
    monkeypatch.setattr(baseline, "_tune", watched_tune)
    baseline.fit(train)
    (held_out,) = tuned
    assert len(held_out) == len(train) // 5
    everything = {sample.id for sample in train}
    assert trained == [everything - held_out, everything]
    assert not baseline.options["mirror"]
    # All clips are of right-handed signers.
    plain = method(mirror="never").fit(train)
    assert rate(plain, read_folder(sentences)["test"]) < 20


@EVERY
@pytest.mark.parametrize("kind", ["sentences", "signs"])
def test_when_dev_shows_no_difference_clips_are_mirrored(method, kind, request, monkeypatch):
    splits = read_folder(request.getfixturevalue(kind))
    baseline = method()
    # Whatever the options are, the tuning clips come out the same.
    monkeypatch.setattr(baseline, "_decode", lambda evidence, **options: ("UP",))
    baseline.fit(splits["train"], splits["dev"])
    assert baseline.options["mirror"] is True


@EVERY
def test_mirroring_always_and_never_do_not_depend_on_dev(method, world, tmp_path):
    """Signers of dev lead with the hand of train, those of test with the other."""
    splits = read_folder(world(tmp_path / "data", left_handed=("test",)))
    always, never = (
        method(mirror=mirror).fit(splits["train"], splits["dev"]) for mirror in ("always", "never")
    )
    assert (always.options["mirror"], never.options["mirror"]) == (True, False)
    assert rate(always, splits["test"]) + 20 < rate(never, splits["test"])


@EVERY
def test_without_mirroring_nothing_is_mirrored(method, sentences, monkeypatch):
    splits = read_folder(sentences)
    baseline = method(mirror="never").fit(splits["train"], splits["dev"])
    clip = splits["test"].contract.prepare(splits["test"].load(0))
    monkeypatch.setattr("slr_keras.data.keypoints.mirror", None)
    assert baseline.recognise(clip)
    with pytest.raises(TypeError):
        method(mirror="always").fit(splits["train"], splits["dev"]).recognise(clip)


def test_tuning_chooses_the_options_with_the_fewest_errors(sentences):
    splits = read_folder(sentences)
    baseline = DtwBaseline().fit(splits["train"], splits["dev"])
    tuned = rate(baseline, splits["dev"])
    for penalty in (0.0, 100.0):
        baseline.options["penalty"] = penalty
        assert tuned <= rate(baseline, splits["dev"])
    assert tuned + 20 < rate(baseline, splits["dev"])


def test_spans_in_the_data_are_not_used_when_told_so(sentences, world, tmp_path):
    bare = world(tmp_path / "bare", spans=False)
    settings = []
    for folder, use in ((sentences, False), (bare, True)):
        baseline = DtwBaseline(use_spans=use).fit(read_folder(folder)["train"])
        settings.append((baseline.options, baseline.bank.states))
    assert settings[0][0] == settings[1][0]
    np.testing.assert_array_equal(settings[0][1], settings[1][1])


@EVERY
def test_the_same_seed_gives_the_same_answers(method, sentences):
    splits = read_folder(sentences)
    clip = splits["test"].contract.prepare(splits["test"].load(0))
    first, again = (
        method(seed=3, per_gloss=3).fit(splits["train"], splits["dev"]) for _ in range(2)
    )
    assert first.options == again.options
    assert first.recognise(clip) == again.recognise(clip)


def test_templates_per_gloss_bound_the_bank(sentences):
    splits = read_folder(sentences)
    baseline = DtwBaseline(per_gloss=2).fit(splits["train"], splits["dev"])
    labels = baseline.bank.labels
    assert max(labels.count(label) for label in labels) == 2


@EVERY
def test_one_frame_and_empty_clips_have_an_answer(method, sentences):
    splits = read_folder(sentences)
    baseline = method().fit(splits["train"], splits["dev"])
    clip = splits["test"].contract.prepare(splits["test"].load(0))
    assert baseline.recognise(clip[:0]) == ()
    assert len(baseline.recognise(clip[:1])) <= 1
    assert isinstance(baseline.recognise(np.zeros_like(clip)), tuple)


def test_training_clips_without_glosses_are_refused(sentences):
    train = read_folder(sentences)["train"]
    with pytest.raises(UserError, match=r"train\.jsonl: no clip with glosses"):
        DtwBaseline().fit(train.subset([]))


def test_baselines_need_no_tensorflow():
    code = (
        "import sys, slr_keras.baselines; "
        "assert not {'tensorflow', 'keras'} & set(sys.modules), 'imported'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
