"""The command `fit`: what it prints, refuses and goes on with."""

import json
import subprocess
import sys
import time

import pytest

from slr_keras.fit import main
from slr_keras.utils.errors import UserError


@pytest.fixture(scope="module")
def data(tiny, tmp_path_factory):
    return tiny.write_data(tmp_path_factory.mktemp("fit") / "data")


def test_help_comes_within_a_second_without_tensorflow():
    program = (
        "import sys\n"
        "from slr_keras.fit import main\n"
        "try:\n main(['--help'])\n"
        "except SystemExit as leave:\n assert leave.code == 0\n"
        "print([m for m in ('tensorflow', 'keras', 'matplotlib') if m in sys.modules])\n"
    )
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "--resume" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
    # One second on an idle machine; a loaded one has no say in what is imported.
    assert time.monotonic() - started < 10


def test_a_run_prints_a_line_per_epoch_and_the_same_command_then_only_reports(
    tiny, data, tmp_path, capsys
):
    recipe = tiny.write_recipe(tmp_path / "r.yaml", data, epochs=2)
    run = tmp_path / "run"
    assert main([str(recipe), "--to", str(run)]) == 0
    out = capsys.readouterr().out
    lines = [line for line in out.splitlines() if line.startswith("epoch ")]
    assert [line.split()[1] for line in lines] == ["1/2", "2/2"]
    for word in ("loss", "dev WER", "del", "ins", "sub", "clips/s", "left"):
        assert word in lines[0]
    assert "ensemble" in out
    assert str(run / "report.md") in out
    before = (run / "checkpoints" / "last.npz").read_bytes()
    assert main([str(recipe), "--to", str(run), "--resume"]) == 0
    out = capsys.readouterr().out
    assert "resuming after 2 of 2 epochs" in out
    assert "epoch 1/2" not in out
    assert (run / "checkpoints" / "last.npz").read_bytes() == before


def test_overrides_reach_the_run_and_its_written_config(tiny, data, tmp_path, capsys):
    recipe = tiny.write_recipe(tmp_path / "r.yaml", data, epochs=9)
    options = ["--set", "training.epochs=1", "--set", "training.precision=mixed_bfloat16"]
    options += ["--set", "training.schedule=cosine_per_epoch", "--set", "training.clip_norm=1"]
    assert main([str(recipe), "--to", str(tmp_path / "run"), *options]) == 0
    text = (tmp_path / "run" / "config.yaml").read_text()
    assert "epochs: 1\n" in text
    assert "precision: mixed_bfloat16" in text
    record = json.loads((tmp_path / "run" / "metrics.jsonl").read_text())
    # The literal cosine of one epoch: its only rate is 0.
    assert record["learning_rate"] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent.yaml"], "absent.yaml"),
        (["RECIPE", "--set", "training.epoch=1"], "did you mean training.epochs"),
        (["RECIPE", "--resume", "--to", "TMP/none"], "there is no run to resume"),
        (["RECIPE", "--to", "TMP/a", "--set", "model.name=stork"], "stark"),
        (["RECIPE", "--to", "TMP/b", "--set", "model.options.width=3"], "width"),
        (["RECIPE", "--to", "TMP/c", "--set", "data.folder=TMP/absent"], "does not exist"),
        (["RECIPE", "--to", "TMP/d", "--set", "distribution.devices=7"], "7 requested"),
    ],
)
def test_mistakes_are_user_errors_that_name_the_remedy(tiny, data, tmp_path, arguments, message):
    recipe = tiny.write_recipe(tmp_path / "r.yaml", data)
    words = [w.replace("RECIPE", str(recipe)).replace("TMP", str(tmp_path)) for w in arguments]
    with pytest.raises(UserError, match=message):
        main(words)


def test_the_command_turns_a_mistake_into_one_line_and_exit_code_2(tmp_path):
    recipe = tmp_path / "typo.yaml"
    recipe.write_text("data: {folder: x}\ntraining:\n  epoch: 3\n")
    done = subprocess.run(
        [sys.executable, "-m", "slr_keras.fit", str(recipe)], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {recipe}:3: training.epoch: unknown key")


def test_the_bar_shows_rate_loss_wer_and_time_left(capsys):
    from slr_keras.training.progress import Progress

    progress = Progress(epochs=3, clips=4, bar=True)
    record = {
        "epoch": 1,
        "loss": 2.5,
        "learning_rate": 1e-3,
        "clips_per_second": 8.0,
        "dev": {
            "wer": {"ensemble": 40.0},
            "deletions": 1.0,
            "insertions": 2.0,
            "substitutions": 37.0,
        },
    }
    for epoch in range(2):
        progress.epoch(epoch)
        for _ in range(2):
            progress.step(2, 2.5)
            progress._bar.refresh()
        progress.finish_epoch({**record, "epoch": epoch + 1}, {"wer": 40.0, "epoch": 1})
    printed = capsys.readouterr()
    for part in ("epoch 2/3", "4/4 clips", "loss 2.500", "dev WER 40.00", "left", "clips/s"):
        assert part in printed.err
    assert "epoch 1/3  loss 2.500  dev WER 40.00 (del 1.0 ins 2.0 sub 37.0)" in printed.out


def test_a_folder_without_dev_is_refused_at_once_with_what_makes_one(tiny, tmp_path):
    data = tiny.write_data(tmp_path / "data", dev=0, test=0)
    recipe = tiny.write_recipe(tmp_path / "r.yaml", data)
    with pytest.raises(UserError, match=r"dev.jsonl: no such split; .*: train; extract --dev-frac"):
        main([str(recipe), "--to", str(tmp_path / "run")])
    assert not (tmp_path / "run").exists()
