"""Scores of isolated signs against cases worked out by hand (docs/papers/stepnet.md §11)."""

import json

import numpy as np
import pytest

from slr_keras.metrics import calibration, sign_accuracy
from slr_keras.metrics.isolated import SignScore, read_groups
from slr_keras.metrics.isolated.plots import confusion_matrix, draw_confusion, draw_reliability
from slr_keras.metrics.isolated.report import (
    as_json,
    denominators,
    markdown,
    plain_text,
)
from slr_keras.utils.errors import UserError

GLOSSES = ("A", "B", "C", "D", "E", "F")
# Signed, then the order in which the model ranks the signs.
RANKED = (
    ("A", "ABCDEF"),
    ("A", "ABCDEF"),
    ("A", "BACDEF"),
    ("B", "CABDEF"),
    ("C", "FEDABC"),
    ("Z", "ABCDEF"),
)
GROUPS = {"confusing": ("A", "D"), "normal": ("B", "C", "E")}


def score(groups=GROUPS):
    signed = [gloss for gloss, _ in RANKED]
    logits = np.zeros((len(RANKED), len(GLOSSES)))
    for row, (_, order) in enumerate(RANKED):
        for place, gloss in enumerate(order):
            logits[row, GLOSSES.index(gloss)] = -place
    return SignScore.of(logits, signed, GLOSSES, groups)


def values(estimates):
    return {k: round(estimate.value, 4) for k, estimate in estimates.items()}


def test_accuracy_by_clip_and_by_class_of_all_and_of_groups():
    found = score().accuracies
    assert list(found) == ["total", "confusing", "normal"]
    total = found["total"]
    assert values(total.per_instance) == {1: 33.3333, 2: 50.0, 5: 66.6667}
    # A 2/3, B 0, C 0, and Z, which the model does not know, 0; at k = 2 A 1, at 5 A and B 1.
    assert values(total.per_class) == {1: 16.6667, 2: 25.0, 5: 50.0}
    assert (total.clips, total.classes, total.absent) == (6, 4, 3)
    confusing = found["confusing"]
    assert values(confusing.per_instance) == {1: 66.6667, 2: 100.0, 5: 100.0}
    assert (confusing.clips, confusing.classes, confusing.absent) == (3, 1, 1)
    normal = found["normal"]
    assert values(normal.per_class) == {1: 0.0, 2: 0.0, 5: 50.0}
    assert (normal.clips, normal.classes, normal.absent) == (2, 2, 1)


def test_a_model_that_scores_all_signs_alike_is_right_for_the_first_alone():
    flat = SignScore.of(np.zeros((6, 6)), GLOSSES, GLOSSES)
    assert values(flat.accuracies["total"].per_instance) == {1: 16.6667, 2: 33.3333, 5: 83.3333}
    assert set(flat.named) == {"A"}


def test_a_clip_with_a_score_that_is_no_number_is_a_miss_at_every_k():
    logits = np.eye(3)
    logits[1, 2] = np.nan
    found = SignScore.of(logits, ("A", "B", "C"), ("A", "B", "C"))
    assert values(found.accuracies["total"].per_instance) == {1: 66.6667, 2: 66.6667, 5: 66.6667}
    assert np.isfinite(found.calibration.error)


def test_intervals_hold_the_value_and_narrow_with_more_clips():
    rng = np.random.default_rng(0)
    widths = []
    for clips in (40, 4000):
        ranks, labels = rng.integers(0, 2, clips), rng.integers(0, 5, clips)
        found = sign_accuracy(ranks, labels, 5)
        for estimate in (found.per_instance[1], found.per_class[1]):
            assert estimate.low <= estimate.value <= estimate.high
        widths.append(found.per_instance[1].high - found.per_instance[1].low)
    # The binomial interval at one half is 2 * 1.96 * 50 / sqrt(clips) wide.
    assert widths == pytest.approx([31.0, 3.1], rel=0.15)


def test_the_interval_by_class_of_classes_that_are_always_right_is_a_point():
    found = sign_accuracy([0] * 9, [0, 1, 2] * 3, 3)
    assert {(e.low, e.high) for e in found.per_class.values()} == {(100.0, 100.0)}


def test_confusions_are_counted_with_the_clips_they_are_out_of():
    found = [(c.signed, c.named, c.count, c.clips) for c in score().confusions]
    assert found == [
        ("A", "B", 1, 3),
        ("B", "C", 1, 1),
        ("C", "F", 1, 1),
        ("Z", "A", 1, 1),
    ]
    names, counts = confusion_matrix(score(), most=3)
    # A, B and C each take part in two errors; what C was taken for is among the others.
    assert names == ["A", "B", "C", "(others)"]
    assert counts.tolist() == [[2, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]


def test_a_confusion_matrix_of_all_signs_has_no_column_of_others():
    names, counts = confusion_matrix(score(), most=99)
    assert "(others)" not in names
    assert counts.shape == (len(names), len(names))


def test_calibration_is_the_mean_distance_of_accuracy_from_confidence():
    found = calibration([0.55, 0.65, 0.95, 0.95], [True, False, True, True], bins=10)
    # Bins (0.5, 0.6], (0.6, 0.7] and (0.9, 1]: |1 - 0.55| + |0 - 0.65| + 2 |1 - 0.95|, over 4.
    assert found.error == pytest.approx(100 * (0.45 + 0.65 + 0.1) / 4)
    assert [one.clips for one in found.bins] == [0, 0, 0, 0, 0, 1, 1, 0, 0, 2]
    assert calibration([0.0, 1.0], [False, True]).error == 0.0
    with pytest.raises(UserError, match="between 0 and 1"):
        calibration([1.5], [True])


def test_confidences_are_the_probabilities_of_what_is_named():
    logits = np.log([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]]) + np.array([[7.0], [-3.0]])
    found = SignScore.of(logits, ("B", "B"), ("A", "B", "C"))
    np.testing.assert_allclose(found.confidences, [0.5, 0.6])


def test_reports_say_what_the_accuracies_are_out_of():
    shown = denominators(score())
    assert shown[0] == "total: 6 clips scored, 7 signs, 3 of them without a clip"
    assert "1 clips of signs that the model does not know are misses: Z" in shown[-1]
    text = plain_text(score())
    assert "total top-5" in text
    assert "66.67" in text
    assert shown[0] in text
    page = markdown("run, test", score(), {"confusion": "c.png", "reliability": "r.png"})
    assert "| B | C | 1 | 1 |" in page
    assert "(c.png)" in page


def test_the_json_has_everything_as_numbers():
    value = json.loads(json.dumps(as_json(score(), {"fuse": {1: 3.0}}), allow_nan=False))
    assert value["groups"]["confusing"]["per_instance"]["top_1"]["value"] == pytest.approx(66.6667)
    assert value["heads"] == {"fuse": {"top_1": 3.0}}
    assert value["unknown"] == {"Z": 1}
    assert sum(one["clips"] for one in value["calibration"]["bins"]) == 6


def test_pictures_are_drawn_with_and_without_errors(tmp_path):
    perfect = SignScore.of(np.eye(6), GLOSSES, GLOSSES)
    for name, one in (("some", score()), ("none", perfect)):
        draw_confusion(tmp_path / f"{name}_c.png", one)
        draw_reliability(tmp_path / f"{name}_r.png", one.calibration)
    for path in tmp_path.iterdir():
        assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1]", "must be an object"),
        ('{"a": "B"}', "must be a list"),
        ('{"a": []}', "at least one gloss"),
        ('{"total": ["A"]}', "call the group otherwise"),
        ('{"a": ["A", "A"]}', "names 'A' twice"),
        ("{", "not valid JSON"),
    ],
)
def test_groups_that_are_not_groups_are_refused(text, said, tmp_path):
    (tmp_path / "groups.json").write_text(text)
    with pytest.raises(UserError, match=said):
        read_groups(tmp_path)


def test_groups_are_read_and_a_gloss_that_nobody_knows_is_named(tmp_path):
    assert read_groups(tmp_path) == {}
    (tmp_path / "groups.json").write_text('{"confusing": ["A", "Q"]}')
    with pytest.raises(UserError, match="'confusing' names 'Q'"):
        score(read_groups(tmp_path))


@pytest.mark.parametrize("single", [True, False])
def test_curves_show_accuracy_of_signs_and_errors_of_sentences(single):
    from matplotlib.figure import Figure

    from slr_keras.training.history import _draw_dev

    records = []
    for epoch, top in ((1, 40.0), (2, 90.0), (3, 70.0)):
        dev = {"wer": {"ensemble": 100 - top, "fuse": 100 - top}}
        if single:
            dev |= {"top_1": {"ensemble": top, "fuse": top}, "top_5": 95.0}
        records.append({"epoch": epoch, "dev": dev})
    axes = Figure().subplots()
    _draw_dev(axes, records)
    measure, best = ("accuracy", "90.00") if single else ("WER", "10.00")
    assert axes.get_title() == f"dev {measure} (%), best {best} after epoch 2"
    curve = next(line for line in axes.lines if line.get_label() == "ensemble")
    assert curve.get_ydata()[1] == float(best)
    assert ("top-5" in {line.get_label() for line in axes.lines}) == single
