"""Support vector machines over clips of one sign."""

import numpy as np
import pytest

from slr_keras.baselines import SvmBaseline
from slr_keras.baselines.svm import COSTS, SHARPNESSES, resampled
from slr_keras.data.manifest import read_folder
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

    def errors(cost, sharpness):
        baseline.options = {"cost": cost, "sharpness": sharpness}
        return word_error_rate(references, recognised(baseline, dev)).errors

    chosen = dict(baseline.options)
    every = {(c, s): errors(c, s) for c in COSTS for s in SHARPNESSES}
    assert every[chosen["cost"], chosen["sharpness"]] == min(every.values())


def test_the_kernel_is_gaussian_in_units_of_the_mean_distance(signs):
    splits = read_folder(signs)
    baseline = SvmBaseline().fit(splits["train"], splits["dev"])
    vectors = baseline.vectors
    squares = ((vectors[:, None] - vectors[None]) ** 2).sum(axis=-1)
    kernel = baseline._kernel(baseline._squared_distances(vectors), 4.0)
    np.testing.assert_allclose(kernel, np.exp(-4 * squares / squares.mean()), atol=1e-6)


def test_clips_of_one_frame_and_of_many_have_the_same_length():
    assert resampled(np.array([[3.0, 4.0]]), 3).tolist() == [3.0, 4.0] * 3
    assert resampled(np.arange(9.0)[:, None], 3).tolist() == [0.0, 4.0, 8.0]


def test_sentences_are_refused(sentences):
    splits = read_folder(sentences)
    with pytest.raises(UserError, match="names the one sign of a clip"):
        SvmBaseline().fit(splits["train"], splits["dev"])
