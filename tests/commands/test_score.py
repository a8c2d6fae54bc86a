"""The command `python -m slr_keras.score`."""

import json
import os
import subprocess
import sys

import pytest

from slr_keras import score
from slr_keras.utils.errors import UserError


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.fixture
def files(tmp_path):
    reference = write(
        tmp_path / "ref.stm",
        "c1 1 s01 0.0 1.79769e+308 IX NORD REGEN\n"
        "c2 1 s01 0.0 1.79769e+308 SONNE\n"
        "c3 1 s02 0.0 1.79769e+308 WIND STARK\n",
    )
    hypothesis = write(
        tmp_path / "hyp.ctm",
        "c1 1 0.00 0.01 IX\nc1 1 0.01 0.01 SUED\nc1 1 0.02 0.01 REGEN\nc2 1 0.00 0.01 SONNE\n",
    )
    return reference, hypothesis


def run_json(capsys, *arguments):
    assert score.main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_json_counts_and_names_what_is_missing(files, capsys):
    found = run_json(capsys, *files, "--per-speaker", "--alignments", "1")
    assert found["wer"] == 50
    assert (found["substitutions"], found["insertions"], found["deletions"]) == (1, 0, 2)
    assert (found["references"], found["sentences"], found["sentence_errors"]) == (6, 3, 2)
    assert found["missing"] == ["c3"]
    assert found["speakers"]["s02"]["del"] == 100
    assert found["alignments"][0]["id"] == "c3"
    assert found["alignments"][0]["alignment"] == [["D", "WIND", None], ["D", "STARK", None]]
    interval = found["interval"]
    assert interval["low"] <= found["wer"] <= interval["high"]
    assert interval["resamples"] == 1000
    assert found["levenshtein"]["wer"] == 50


def test_the_table_says_the_same(files, capsys):
    assert score.main([*files, "--per-speaker", "--alignments", "2"]) == 0
    text = capsys.readouterr().out
    assert "WER             50.0000 %  [" in text
    assert "1 sentence(s) without hypothesis" in text
    assert "c3" in text
    assert "| s01     |     2     4 |  75.0  25.0   0.0   0.0  25.0  50.0 |" in text
    assert "id: c1  (#C #S #D #I) 2 1 0 0\nREF:  IX NORD REGEN\nHYP:  IX SUED REGEN\n" in text
    assert text.index("id: c3") < text.index("id: c1")


def test_no_interval_when_none_is_asked_for_and_the_seed_repeats_it(files, capsys):
    assert "interval" not in run_json(capsys, *files, "--bootstrap", "0")
    first = run_json(capsys, *files, "--bootstrap", "50", "--seed", "1")
    assert first == run_json(capsys, *files, "--bootstrap", "50", "--seed", "1")


def test_unit_costs_are_shown_where_they_count_fewer_errors(tmp_path, capsys):
    reference = write(tmp_path / "r.csv", "id|gloss\na|X1 X2 X3 X4 A B C\n")
    hypothesis = write(tmp_path / "h.csv", "id|gloss\na|A B C Y1 Y2 Y3 Y4\n")
    score.main([reference, hypothesis])
    text = capsys.readouterr().out
    assert "WER            114.2857 %" in text
    assert "WER at unit costs 100.0000 %" in text
    assert run_json(capsys, reference, hypothesis, "--costs", "levenshtein")["wer"] == 100


@pytest.mark.parametrize("clean", ["phoenix", "phoenix2014", "phoenix2014t"])
def test_clean_up_is_applied(tmp_path, capsys, clean):
    reference = write(tmp_path / "r.csv", "id|gloss\na|NORD REGEN\n")
    hypothesis = write(tmp_path / "h.csv", "id|gloss\na|loc-NORDRAUM REGEN REGEN-PLUSPLUS\n")
    assert run_json(capsys, reference, hypothesis, "--clean", clean)["wer"] == 0
    assert run_json(capsys, reference, hypothesis)["wer"] == 100


def test_one_file_of_predictions_scores_itself(tmp_path, capsys):
    path = write(
        tmp_path / "dev.jsonl", '{"id": "a", "reference": ["A", "B"], "hypothesis": ["A"]}\n'
    )
    assert run_json(capsys, path, path)["wer"] == 50


def test_plain_lines_are_paired_by_number_and_need_partners(tmp_path, capsys):
    reference = write(tmp_path / "r.txt", "A B\nA C\n\n")
    assert run_json(capsys, reference, write(tmp_path / "h.txt", "A B\nA\n\n"))["wer"] == 25
    with pytest.raises(UserError, match=r"3 sentences and .* 2"):
        score.main([reference, write(tmp_path / "short.txt", "A B\nA C\n")])


def test_a_format_may_be_forced_on_one_file_or_both(tmp_path, capsys):
    kaldi = write(tmp_path / "k.txt", "clip1 A B\nclip2 A\n")
    table = write(tmp_path / "t.csv", "id|gloss\nclip1|A B\nclip2|B\n")
    found = run_json(capsys, table, kaldi, "--hypothesis-format", "text-id")
    assert found["substitutions"] == 1
    assert run_json(capsys, kaldi, kaldi, "--format", "text-id")["wer"] == 0


def test_matching_nothing_is_an_error_with_examples_not_a_hundred_percent(tmp_path):
    reference = write(tmp_path / "r.csv", "id|gloss\nclip1|A\n")
    hypothesis = write(tmp_path / "h.csv", "id|gloss\nCLIP1|A\n")
    with pytest.raises(UserError) as error:
        score.main([reference, hypothesis])
    message = str(error.value)
    assert reference in message
    assert hypothesis in message
    assert "'CLIP1'" in message
    assert "'clip1'" in message
    assert "case" in message


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "slr_keras.score", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )


def test_a_mistake_is_one_line_and_exit_code_2(tmp_path):
    reference = write(tmp_path / "r.stm", "c 1 s\n")
    for arguments in ([reference, reference], [str(tmp_path / "absent.stm"), reference]):
        done = command(*arguments)
        assert done.returncode == 2
        assert done.stdout == ""
        assert len(done.stderr.splitlines()) == 1
        assert done.stderr.startswith("error: ")
    assert command(reference, reference, "--bootstrap", "-1").returncode == 2


def test_help_shows_an_example_without_importing_tensorflow():
    done = command("--help")
    assert done.returncode == 0
    assert "python -m slr_keras score dev.stm" in done.stdout
    modules = subprocess.run(
        [sys.executable, "-c", "import slr_keras.score, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout.split()
    assert "slr_keras.score" in modules
    assert not {"tensorflow", "keras", "matplotlib", "jiwer"} & set(modules)
