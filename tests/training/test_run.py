"""What a finished run leaves behind, and how it is read again."""

import json
import subprocess
import sys

import numpy as np
import pytest

from slr_keras.config import override
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.training.data import open_run_data
from slr_keras.training.run import Run, write_description
from slr_keras.utils.errors import UserError


@pytest.fixture
def copy(trained, tmp_path):
    """A copy of the trained run that a test may damage."""
    import shutil

    return shutil.copytree(trained, tmp_path / "copy")


def test_a_run_folder_holds_all_that_is_promised(trained):
    names = {path.name for path in trained.iterdir()}
    assert names >= {
        "config.yaml",
        "vocabulary.txt",
        "keypoints.json",
        "model.json",
        "checkpoints",
        "metrics.jsonl",
        "tensorboard",
        "curves.png",
        "dev_predictions.jsonl",
        "dev_scores.json",
        "language_model.json",
        "model.keras",
        "report.md",
    }
    assert {p.name for p in (trained / "checkpoints").iterdir()} == {"best.npz", "last.npz"}
    assert (trained / "curves.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert any(p.stat().st_size > 1000 for p in (trained / "tensorboard").iterdir())
    description = json.loads((trained / "model.json").read_text())
    assert description["name"] == "stark"
    assert description["options"]["head_width"] == 16
    assert description["vocabulary_size"] == 6


def test_every_epoch_has_its_record(trained):
    records = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    assert [record["epoch"] for record in records] == list(range(1, 31))
    assert [record["step"] for record in records] == [3 * epoch for epoch in range(1, 31)]
    assert set(records[0]["dev"]["wer"]) == {"ensemble", "fuse", "left", "body"}
    assert records[-1]["loss"] < 0.5 * records[0]["loss"]
    for record in records:
        assert record["loss"] == pytest.approx(record["ctc"] + record["distillation"], rel=1e-5)


def test_report_shows_wer_with_its_parts_interval_heads_worst_sentences_and_versions(trained):
    report = (trained / "report.md").read_text()
    scores = json.loads((trained / "dev_scores.json").read_text())["sets"]
    assert f"**Dev WER {scores['ensemble']['wer']:.2f} %**" in report
    for word in ("95 % interval", "deletions", "insertions", "substitutions", "| fuse |"):
        assert word in report
    for word in ("tensorflow 2.", "keras 3.", "python -m slr_keras fit", "best epoch"):
        assert word in report


def test_worst_sentences_are_aligned_with_errors_marked_worst_first(tiny, data):
    from slr_keras.data.manifest import read_manifest
    from slr_keras.decoding import Hypothesis
    from slr_keras.metrics.wer import sentence_counts
    from slr_keras.training.evaluation import Evaluation
    from slr_keras.training.report import worst_sentences

    manifest = read_manifest(data / "dev.jsonl").subset([0, 1, 2])
    references = (("NORTH",), ("EAST", "WEST"), ("SOUTH", "NORTH", "EAST"))
    said = (("NORTH",), ("EAST",), ("SOUTH", "WEST", "WEST", "EAST"))
    counts = tuple(sentence_counts(references, said))
    nothing = (Hypothesis((), 0.0),) * 3
    by_set = {"ensemble": said}
    evaluation = Evaluation(
        manifest, references, {"ensemble": nothing}, by_set, {"ensemble": counts}
    )
    text = "\n".join(worst_sentences(evaluation, 5))
    assert text.index("dev-02") < text.index("dev-01")
    assert "dev-00" not in text
    assert "REF:  SOUTH" in text
    assert "HYP:  SOUTH" in text
    assert "Eval:" in text
    only = worst_sentences(evaluation, 1)
    assert "dev-01" not in "\n".join(only)
    perfect = Evaluation(
        manifest,
        references,
        {"ensemble": nothing},
        {"ensemble": references},
        {"ensemble": tuple(sentence_counts(references, references))},
    )
    assert worst_sentences(perfect) == ["None: every sentence is correct."]


def test_saved_predictions_are_those_of_the_best_weights(trained, data):
    from slr_keras.training.data import read_split
    from slr_keras.training.evaluation import Predictor
    from slr_keras.training.final_evaluation import score

    run = Run.load(trained)
    evaluation = score(run, Predictor(run.model()), read_split(run.config.data, "dev"))
    lines = [json.loads(x) for x in (trained / "dev_predictions.jsonl").read_text().splitlines()]
    assert [line["id"] for line in lines] == [s.id for s in evaluation.manifest]
    assert [tuple(line["hypothesis"]) for line in lines] == list(evaluation.glosses["ensemble"])
    assert [tuple(line["reference"]) for line in lines] == list(evaluation.references)
    assert sum(line["errors"] for line in lines) == evaluation.total().errors
    assert evaluation.total().wer < 50


def test_the_saved_model_loads_in_a_fresh_process_and_gives_the_same_scores(trained, tmp_path):
    run = Run.load(trained)
    rng = np.random.default_rng(0)
    keypoints = rng.normal(size=(2, 8, 6, 3)).astype(np.float32)
    mask = np.ones((2, 8), np.float32)
    expected = run.model()({"keypoints": keypoints, "mask": mask}, training=False)
    np.savez(tmp_path / "in.npz", keypoints=keypoints, mask=mask)
    program = (
        "import sys, numpy as np, keras, slr_keras.models.stark.model\n"
        "model = keras.saving.load_model(sys.argv[1], safe_mode=True)\n"
        "given = np.load(sys.argv[2])\n"
        "found = model({n: given[n] for n in given.files}, training=False)\n"
        "np.savez(sys.argv[3], **{n: v.numpy() for n, v in found.items()})\n"
    )
    arguments = [trained / "model.keras", tmp_path / "in.npz", tmp_path / "out.npz"]
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, *map(str, arguments)], check=True
    )
    found = np.load(tmp_path / "out.npz")
    assert set(found.files) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value.numpy(), atol=1e-5)


def test_another_vocabulary_in_the_run_is_refused_with_both_digests(trained, copy):
    kept = Run.load(trained).vocabulary
    other = Vocabulary((*reversed(kept.glosses), "UP"))
    other.write(copy / "vocabulary.txt")
    with pytest.raises(UserError) as caught:
        Run.load(copy)
    for part in ("7 tokens", "6 tokens", other.digest, kept.digest):
        assert part in str(caught.value)


def test_data_with_another_vocabulary_is_refused_with_both_sizes(trained, tiny, tmp_path):
    run = Run.load(trained)
    folder = tiny.write_data(tmp_path / "data")
    run.vocabulary.write(folder / "vocabulary.txt")
    with open(folder / "vocabulary.txt", "a") as file:
        file.write("UP\n")
    config = override(run.config, [f"data.folder={folder}"])
    with pytest.raises(UserError, match=r"6 tokens.*7"):
        write_description(run.folder, config, open_run_data(config), 0)


def test_weights_of_another_model_are_refused(copy):
    text = (copy / "config.yaml").read_text()
    assert "head_width: 16" in text
    (copy / "config.yaml").write_text(text.replace("head_width: 16", "head_width: 24"))
    with pytest.raises(UserError, match=r"best\.npz: .*shape"):
        Run.load(copy).model()


def test_a_folder_without_a_run_and_a_run_without_an_epoch_say_what_to_do(copy, tmp_path):
    with pytest.raises(UserError, match=r"slr fit CONFIG"):
        Run.load(tmp_path / "nowhere")
    (copy / "checkpoints" / "best.npz").unlink()
    with pytest.raises(UserError, match="no epoch is finished"):
        Run.load(copy).model()


def test_language_model_is_kept_and_another_order_is_trained(trained):
    run = Run.load(trained)
    assert run.language_model() is None
    for order in (2, 3):
        decoding = override(run.config, [f"decoding.language_model_order={order}"]).decoding
        model = run.language_model(decoding)
        assert model.order == order
        assert model.vocabulary_digest == run.vocabulary.digest
