"""The command `evaluate`: scores of any split, of other data, and of clips with faults."""

import json

import numpy as np
import pytest

from slr_keras.data.contract import KeypointContract
from slr_keras.data.manifest import FolderWriter, read_manifest
from slr_keras.data.robustness import DegradedManifest
from slr_keras.evaluate import main
from slr_keras.utils.errors import UserError


@pytest.fixture(scope="module")
def run(tiny, tmp_path_factory):
    return tiny.trained_run(tmp_path_factory)


@pytest.fixture(scope="module")
def data(run):
    return run.parent / "data"


def scores(run, capsys, *options):
    capsys.readouterr()
    assert main([str(run), "--json", *map(str, options)]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_test_split_is_scored_for_the_ensemble_and_every_head(run, data, capsys):
    found = scores(run, capsys)
    assert found["split"] == "test"
    assert list(found["sets"]) == ["ensemble", "fuse", "left", "body"]
    best = found["sets"]["ensemble"]
    assert best["low"] <= best["wer"] <= best["high"]
    assert best["wer"] == pytest.approx(
        best["substitutions"] + best["deletions"] + best["insertions"], abs=1e-3
    )
    assert best["clips"] == 4
    written = json.loads((run / "test_scores.json").read_text())
    assert written["sets"] == found["sets"]
    lines = [json.loads(x) for x in (run / "test_predictions.jsonl").read_text().splitlines()]
    assert [line["id"] for line in lines] == [s.id for s in read_manifest(data / "test.jsonl")]


def test_the_table_names_every_set_and_the_predictions(run, capsys):
    assert main([str(run), "--split", "dev"]) == 0
    out = capsys.readouterr().out
    for word in ("ensemble", "fuse", "95 % interval", "4 clips", "dev_predictions.jsonl"):
        assert word in out


@pytest.fixture
def resting(tiny, tmp_path):
    """A data folder with a split of rest: nobody signs for two minutes."""
    rng = np.random.default_rng(0)
    contract = tiny.tiny_contract()
    with FolderWriter(tmp_path / "resting", contract, further_splits=("rest",)) as writer:
        for number in range(12):
            still = np.repeat(tiny.clip([], rng)[:1], 250, axis=0)
            if number % 3 == 0:
                # Hands that move, so that words are output.
                still = np.concatenate([tiny.clip(["NORTH", "EAST"], rng)] * 9)[:250]
            writer.add("rest", id=f"rest-{number}", glosses=[], keypoints=still)
    return tmp_path / "resting"


def test_a_split_of_rest_gives_false_words_a_minute(run, resting, capsys):
    found = scores(run, capsys, "--data", resting, "--split", "rest")["sets"]["ensemble"]
    written = (run / "rest_predictions.jsonl").read_text().splitlines()
    words = sum(len(json.loads(line)["hypothesis"]) for line in written)
    assert words > 0
    # 12 clips of 10 seconds, of which 248 of 250 frames are seen.
    minutes = 12 * 248 / 25 / 60
    assert found["false_words"] == words
    assert found["rest_minutes"] == pytest.approx(minutes, abs=1e-3)
    assert found["false_words_per_minute"] == pytest.approx(words / minutes, abs=1e-3)
    assert "wer" not in found
    assert main([str(run), "--data", str(resting), "--split", "rest"]) == 0
    out = capsys.readouterr().out
    assert f"{words} false words in 2.0 minutes of rest (12 clips)" in out
    assert "WER" not in out


def test_clips_of_rest_among_sentences_add_their_false_words_to_the_table(
    run, data, resting, tiny, tmp_path, capsys
):
    still, spoken = read_manifest(resting / "rest.jsonl"), read_manifest(data / "test.jsonl")
    with FolderWriter(tmp_path / "mixed", tiny.tiny_contract()) as writer:
        for manifest in (still, spoken):
            for row, sample in enumerate(manifest):
                points = manifest.load(row)
                writer.add("test", id=sample.id, glosses=sample.glosses, keypoints=points)
    found = scores(run, capsys, "--data", tmp_path / "mixed")["sets"]["ensemble"]
    assert found["false_words"] > 0
    assert found["words"] == sum(len(sample.glosses) for sample in spoken)
    assert main([str(run), "--data", str(tmp_path / "mixed")]) == 0
    out = capsys.readouterr().out
    assert "WER" in out
    assert "minutes of rest (12 clips)" in out
    assert "rest_minutes" not in scores(run, capsys)["sets"]["ensemble"]


def test_decoding_can_be_overridden_and_nothing_else(run, capsys):
    scores(run, capsys, "--set", "decoding.method=greedy")
    written = json.loads((run / "test_scores.json").read_text())
    assert written["decoding"]["method"] == "greedy"
    scores(run, capsys, "--set", "decoding.language_model_order=2")
    with pytest.raises(UserError, match=r"only decoding\.\*"):
        main([str(run), "--set", "model.name=stark"])
    with pytest.raises(UserError, match=r"mean decoding\.beam"):
        main([str(run), "--set", "decoding.bean=3"])


def test_other_data_in_other_units_gives_the_same_result(run, tiny, data, tmp_path, capsys):
    manifest = read_manifest(data / "test.jsonl")
    pixels = tiny.tiny_contract(image_size=(200.0, 100.0))
    with FolderWriter(tmp_path / "pixels", pixels) as writer:
        for row, sample in enumerate(manifest):
            points = np.array(manifest.load(row)) * np.array([200.0, 100.0, 1.0], np.float32)
            writer.add("test", id=sample.id, glosses=sample.glosses, keypoints=points)
    usual = scores(run, capsys)
    assert scores(run, capsys, "--data", tmp_path / "pixels")["sets"] == usual["sets"]


def test_data_of_other_points_is_refused(run, tmp_path):
    from slr_keras.data.contract import contract

    with FolderWriter(tmp_path / "kinect", contract("kinect_20")) as writer:
        writer.add("test", id="a", glosses=["NORTH"], keypoints=np.ones((9, 20, 4)))
    with pytest.raises(UserError, match="keypoint contracts differ in points"):
        main([str(run), "--data", str(tmp_path / "kinect")])


def test_a_split_that_is_not_there_is_refused(run):
    with pytest.raises(UserError, match=r"no such split; the folder has: dev, test, train"):
        main([str(run), "--split", "tests"])


def test_scores_with_faults_are_written_beside_the_usual_ones(run, capsys):
    usual = scores(run, capsys)
    found = scores(run, capsys, "--drop-points", 5, "--drop-hand", 0.34, "--seed", 3)
    assert (found["drop_points"], found["drop_hand"], found["seed"]) == (5, 0.34, 3)
    # All hands gone, or all but one point of them: the signs cannot be told apart.
    assert found["sets"]["ensemble"]["wer"] > usual["sets"]["ensemble"]["wer"]
    name = "test_drop_points-5_drop_hand-0.34_scores.json"
    assert json.loads((run / name).read_text())["sets"] == found["sets"]
    assert json.loads((run / "test_scores.json").read_text())["sets"] == usual["sets"]


def test_dropped_points_are_so_many_of_the_models_throughout_and_the_same_each_time(data):
    manifest = read_manifest(data / "test.jsonl")
    seen = set()
    for row in range(len(manifest)):
        faulty = DegradedManifest(manifest, points=2, seed=1)
        gone = np.isnan(faulty.load(row)).all(axis=(0, 2))
        assert gone.sum() == 2
        np.testing.assert_array_equal(gone, np.isnan(faulty.load(manifest[row])).any(axis=(0, 2)))
        seen.add(tuple(np.flatnonzero(gone)))
    assert len(seen) > 1
    assert not np.isnan(manifest.load(0)).any()


def test_a_dropped_hand_is_gone_in_one_piece_for_its_share(data):
    manifest = read_manifest(data / "test.jsonl")
    contract: KeypointContract = manifest.contract
    assert [contract.points[i] for i in contract.streams["left"]][-1] == "left_hand_tip"
    for row, sample in enumerate(manifest):
        gone = np.isnan(DegradedManifest(manifest, hand=0.5).load(row)).all(axis=2)
        (points,) = np.nonzero(gone.any(axis=0))
        assert [contract.points[p] for p in points] == ["left_hand_tip"]
        frames = np.flatnonzero(gone[:, points[0]])
        assert len(frames) == round(sample.frames / 2)
        assert frames[-1] - frames[0] + 1 == len(frames)


def test_turned_clips_are_scored_in_both_directions_beside_the_usual_ones(run, capsys):
    usual = scores(run, capsys, "--drop-points", 1)
    found = scores(run, capsys, "--drop-points", 1, "--turn", 90)
    # The tiny data has no z: at 90 degrees all of x is gone, and east and west look alike.
    turn = found.pop("turn")
    assert found == usual
    assert (turn["degrees"], turn["measure"], turn["method"]) == (90, "wer", "foreshortening")
    assert turn["none"]["value"] == pytest.approx(usual["sets"]["ensemble"]["wer"], abs=1e-3)
    assert turn["none"]["low"] == pytest.approx(usual["sets"]["ensemble"]["low"], abs=1e-3)
    assert turn["plus"]["value"] > turn["none"]["value"]
    worse = max(turn["plus"]["value"], turn["minus"]["value"])
    assert turn["worst"]["value"] == pytest.approx(worse - turn["none"]["value"])
    for name, direction in (("+90", "plus"), ("-90", "minus")):
        path = run / f"test_drop_points-1_turn{name}_scores.json"
        written = json.loads(path.read_text())
        assert (written["turn"], written["drop_points"]) == (float(name), 1)
        assert written["sets"]["ensemble"]["wer"] == pytest.approx(
            turn[direction]["value"], abs=1e-3
        )


def test_the_cost_of_a_turn_is_a_table_below_the_usual_one(run, capsys):
    assert main([str(run), "--turn", "20"]) == 0
    out = capsys.readouterr().out
    for words in (
        "ensemble",
        "no turn",
        "turn by +20",
        "turn by -20",
        "worst change",
        "by the cos",
    ):
        assert words in out
    assert out.rstrip().endswith("test_predictions.jsonl")


def test_isolated_signs_lose_accuracy_by_a_turn(tiny, tmp_path_factory, capsys):
    signs = tiny.trained_signs(tmp_path_factory)
    usual = scores(signs, capsys)["signs"]["groups"]["total"]["per_instance"]["top_1"]
    turn = scores(signs, capsys, "--turn", 90)["turn"]
    assert turn["measure"] == "accuracy"
    assert turn["none"] == pytest.approx(usual)
    assert turn["worst"]["value"] == turn["minus"]["value"] - turn["none"]["value"] < 0
    assert turn["worst"]["low"] <= turn["worst"]["value"] <= turn["worst"]["high"]


def test_a_turn_goes_with_one_run_and_up_to_ninety_degrees(run, capsys):
    with pytest.raises(UserError, match="--turn goes with one run"):
        main(["--compare", str(run), str(run), "--turn", "20"])
    for wrong in ("-1", "91", "nan"):
        with pytest.raises(SystemExit):
            main([str(run), "--turn", wrong])
    assert "is not a number from 0 to 90 degrees" in capsys.readouterr().err


@pytest.mark.parametrize(("points", "hand"), [(7, 0.0), (-1, 0.0), (0, 1.5), (0, -0.1)])
def test_impossible_faults_are_refused(data, points, hand):
    with pytest.raises(UserError, match="--drop-"):
        DegradedManifest(read_manifest(data / "test.jsonl"), points, hand)
