"""Validation: every finding, triggered once, with its place and what to do."""

import json

import pytest
from validation_data import CONTRACT, clip, only, sound, write

from slr_keras.data.validation.folder import validate_folder
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.utils.errors import UserError


def edit_line(path, number, **changes):
    lines = path.read_text().splitlines()
    lines[number - 1] = json.dumps({**json.loads(lines[number - 1]), **changes})
    path.write_text("\n".join(lines) + "\n")


def test_a_sound_folder_has_no_findings_and_a_full_table(tmp_path):
    splits = sound(keypoints=clip(20, seed=60))
    splits["train"][0]["keypoints"][:5, 0] = 0
    splits["train"][1]["keypoints"] = clip(31, seed=61)
    write(tmp_path, **splits)
    report = validate_folder(tmp_path, expect_disjoint_signers=True, expect_disjoint_sentences=True)
    assert report.findings == ()
    train = report.splits["train"]
    assert (train.samples, train.frames_total) == (2, 51)
    assert (train.frames_min, train.frames_max) == (20, 31)
    assert (train.frames_mean, train.glosses, train.distinct_glosses) == (25.5, 4, 3)
    assert (train.signers, train.unknown_glosses, train.empty, train.infeasible) == (1, 0, 0, 0)
    assert train.missing_share == pytest.approx(5 / (51 * 14))
    assert train.non_finite == 0
    assert report.shared == {"train/dev": {"signers": 0, "sentences": 0}}
    report.require_sound()


# fmt: off
SAMPLE_FINDINGS = {
    "one-frame-clip": ("warning", {"keypoints": clip(1), "glosses": ["A"]}, "one frame"),
    "infeasible": ("warning", {"keypoints": clip(11), "glosses": ["A", "A"]},
                   "11 frames give 2 steps, too few for 2 glosses and 1 repeats"),
    "no-glosses": ("error", {"glosses": []}, "no glosses"),
    "empty-clip": ("error", {"keypoints": clip(0)}, "no frames"),
    "nothing-seen": ("error", {"keypoints": clip() * 0}, "all points are missing in all frames"),
    "frame-rate": ("warning", {"fps": 60}, "60 frames per second, but keypoints.json states 30"),
}
# fmt: on


@pytest.mark.parametrize("kind", SAMPLE_FINDINGS)
def test_a_faulty_sample_is_found_and_placed(tmp_path, kind):
    severity, changes, text = SAMPLE_FINDINGS[kind]
    splits = sound(**changes)
    # Keep the vocabulary whole where the faulty sample loses its glosses.
    splits["train"].append({"id": "t3", "signer": "s1", "glosses": ["A", "B", "C"]})
    write(tmp_path, **splits)
    finding = only(validate_folder(tmp_path), kind)
    assert (finding.severity, finding.sample) == (severity, "t1")
    assert finding.where == f"{tmp_path / 'train.jsonl'}:1"
    assert text in finding.what
    assert finding.advice


def test_feasibility_follows_the_stride(tmp_path):
    write(tmp_path, **sound(keypoints=clip(8), glosses=["A", "B"]))
    assert validate_folder(tmp_path).splits["train"].infeasible == 0
    report = validate_folder(tmp_path, temporal_stride=8)
    assert report.splits["train"].infeasible == 1
    assert only(report, "infeasible").sample == "t1"


def test_missing_glosses_outside_train_are_a_warning(tmp_path):
    splits = sound()
    splits["dev"][0]["glosses"] = []
    write(tmp_path, **splits)
    finding = only(validate_folder(tmp_path), "no-glosses")
    assert (finding.severity, finding.sample) == ("warning", "d1")


def test_an_id_twice_in_a_split_is_an_error_naming_both_lines(tmp_path):
    write(tmp_path, **sound())
    edit_line(tmp_path / "train.jsonl", 2, id="t1", glosses=["A", "B", "C"])
    report = validate_folder(tmp_path)
    finding = next(f for f in report.findings if f.kind == "duplicate-id")
    assert (finding.severity, finding.sample) == ("error", "t1")
    assert finding.where == f"{tmp_path / 'train.jsonl'}:2"
    assert f"already at {tmp_path / 'train.jsonl'}:1" in finding.what


def test_an_id_in_two_splits_is_an_error(tmp_path):
    splits = sound()
    splits["dev"][0]["id"] = "t2"
    write(tmp_path, **splits)
    finding = only(validate_folder(tmp_path), "duplicate-id")
    assert finding.where == f"{tmp_path / 'dev.jsonl'}:1"
    assert f"also at {tmp_path / 'train.jsonl'}:2, in another split" in finding.what


def test_a_gloss_that_train_does_not_have_is_a_warning_in_dev(tmp_path):
    splits = sound()
    splits["dev"][0]["glosses"] = ["SNOW", "A", "SNOW"]
    write(tmp_path, **splits)
    report = validate_folder(tmp_path)
    finding = only(report, "unknown-gloss")
    assert (finding.severity, finding.sample) == ("warning", "d1")
    assert "'SNOW' is not in the vocabulary (2 times in dev)" in finding.what
    assert report.splits["dev"].unknown_glosses == 1


def test_a_gloss_of_train_outside_the_vocabulary_file_is_an_error(tmp_path):
    write(tmp_path, **sound())
    Vocabulary(("A", "B")).write(tmp_path / "vocabulary.txt")
    report = validate_folder(tmp_path)
    assert [(f.kind, f.severity, f.sample) for f in report.findings] == [
        ("unknown-gloss", "error", "t2"),
        ("unknown-gloss", "warning", "d1"),
    ]


def test_a_faulty_vocabulary_file_is_an_error(tmp_path):
    write(tmp_path, **sound())
    (tmp_path / "vocabulary.txt").write_text("A\nB\n")
    assert "begins with" in only(validate_folder(tmp_path), "vocabulary").what


def test_shared_signers_are_counted_always_and_an_error_where_forbidden(tmp_path):
    splits = sound()
    splits["dev"][0]["signer"] = "s1"
    # Said once, however many clips there are.
    splits["dev"].append({"id": "d2", "signer": "s1", "glosses": ["C", "B"]})
    write(tmp_path, **splits)
    report = validate_folder(tmp_path)
    assert report.findings == ()
    assert report.shared["train/dev"]["signers"] == 1
    finding = only(validate_folder(tmp_path, expect_disjoint_signers=True), "shared-signer")
    assert (finding.severity, finding.sample) == ("error", "d1")
    assert f"'s1' is in dev and in train (at {tmp_path / 'train.jsonl'}:1)" in finding.what


def test_a_sample_without_signer_is_an_error_where_signers_must_differ(tmp_path):
    write(tmp_path, **sound(signer=""))
    assert validate_folder(tmp_path).findings == ()
    finding = only(validate_folder(tmp_path, expect_disjoint_signers=True), "no-signer")
    assert finding.sample == "t1"


def test_shared_sentences_are_counted_always_and_an_error_where_forbidden(tmp_path):
    splits = sound()
    splits["dev"][0]["glosses"] = ["B", "C"]
    write(tmp_path, **splits)
    report = validate_folder(tmp_path)
    assert report.findings == ()
    assert report.shared["train/dev"]["sentences"] == 1
    finding = only(validate_folder(tmp_path, expect_disjoint_sentences=True), "shared-sentence")
    assert "sentence 'B C'" in finding.what
    assert "train.jsonl:2" in finding.what


def test_a_faulty_line_is_an_error_and_the_others_are_still_checked(tmp_path):
    write(tmp_path, **sound())
    path = tmp_path / "train.jsonl"
    path.write_text("{\n" + path.read_text())
    report = validate_folder(tmp_path)
    finding = only(report, "manifest")
    assert finding.where == f"{path}:1"
    assert "not valid JSON" in finding.what
    assert report.splits["train"].samples == 2


def test_a_manifest_that_is_no_text_is_an_error(tmp_path):
    write(tmp_path, **sound())
    (tmp_path / "dev.jsonl").write_bytes(b"\xff\xff")
    kinds = [finding.kind for finding in validate_folder(tmp_path).findings]
    assert kinds == ["manifest"]


def test_a_split_without_samples_is_a_warning(tmp_path):
    write(tmp_path, **sound())
    (tmp_path / "test.jsonl").write_text("\n")
    report = validate_folder(tmp_path)
    assert only(report, "empty-split").severity == "warning"
    assert report.splits["test"].frames_mean == 0


def test_a_missing_contract_is_an_error(tmp_path):
    write(tmp_path, **sound())
    (tmp_path / "keypoints.json").unlink()
    finding = only(validate_folder(tmp_path), "contract")
    assert finding.severity == "error"
    assert finding.where == str(tmp_path / "keypoints.json")


def test_a_folder_without_splits_is_refused(tmp_path):
    with pytest.raises(UserError, match="no such data folder"):
        validate_folder(tmp_path / "absent")
    with pytest.raises(UserError, match=r"no train\.jsonl"):
        validate_folder(tmp_path)


def test_a_report_can_refuse_the_folder(tmp_path):
    write(tmp_path, **sound(keypoints=clip(0)))
    edit_line(tmp_path / "train.jsonl", 2, glosses=[])
    report = validate_folder(tmp_path)
    with pytest.raises(UserError) as caught:
        report.require_sound()
    assert str(caught.value).startswith(f"{tmp_path / 'train.jsonl'}:1: sample 't1': the clip has")
    assert "(and 1 more errors)" in str(caught.value)


def test_the_text_shows_a_few_findings_of_each_kind_and_counts_the_rest(tmp_path):
    write(tmp_path, train=[{"id": f"t{i}", "keypoints": clip(4, i)} for i in range(9)])
    lines = validate_folder(tmp_path).lines(per_kind=2)
    assert sum("[infeasible]" in line and "sample" in line for line in lines) == 2
    assert "... and 7 more [infeasible]" in lines
    # The tenth is that there is no dev split.
    assert lines[-1] == "0 errors, 10 warnings"


@pytest.mark.parametrize("split", ["train", "dev"])
def test_a_split_that_fit_needs_and_that_is_not_there_is_a_warning(tmp_path, split):
    splits = sound()
    del splits[split]
    write(tmp_path, **splits)
    finding = only(validate_folder(tmp_path), "missing-split")
    assert (finding.severity, finding.where) == ("warning", str(tmp_path))
    assert f"no {split} split" in finding.what
    assert "--dev-fraction" in finding.advice


def test_a_gloss_of_dev_that_only_the_vocabulary_has_is_a_warning(tmp_path):
    splits = sound()
    splits["dev"][0]["glosses"] = ["A", "D", "D"]
    write(tmp_path, **splits)
    Vocabulary(["A", "B", "C", "D"]).write(tmp_path / "vocabulary.txt")
    finding = only(validate_folder(tmp_path), "unseen-gloss")
    assert (finding.severity, finding.sample) == ("warning", "d1")
    assert "'D'" in finding.what


@pytest.mark.parametrize(("frames", "share"), [(10, None), (11, "55 %"), (20, "100 %")])
def test_a_hand_that_most_frames_lack_is_a_warning_with_the_percentage(tmp_path, frames, share):
    splits = sound()
    splits["dev"][0]["keypoints"] = clip(20, seed=7)
    splits["dev"][0]["keypoints"][:frames, CONTRACT.source.points.index("hand_left")] = 0
    write(tmp_path, **splits)
    report = validate_folder(tmp_path)
    if share is None:
        assert report.findings == ()
    else:
        assert only(report, "unseen-part").severity == "warning"
        assert f"the left hand was not found in {share} of the frames of dev" in str(
            report.findings
        )
