"""Bundles on an emulated ARM processor."""

import json
import zipfile

import numpy as np
import pytest

from export.arm import main
from export.lite import emulation
from export.lite.arm_comparison import Comparison
from export.tflite import main as export
from slr_keras.utils.errors import UserError


def log_probabilities(*rows):
    return np.log(np.array(rows, np.float64))


def test_another_best_class_or_gloss_is_a_difference_and_rounding_is_none():
    comparison = Comparison()
    here = log_probabilities([0.7, 0.3], [0.1, 0.9])
    comparison.add(here, here + 1e-6, same_glosses=True)
    assert comparison.same
    assert comparison.largest == pytest.approx(1e-6, rel=1e-3)
    comparison.add(here, here, same_glosses=False)
    assert not comparison.same
    other = Comparison()
    other.add(here, here[::-1], same_glosses=True)
    assert (other.steps, other.steps_equal, other.same) == (2, 0, False)


def test_classes_that_never_are_do_not_count_as_differences():
    comparison = Comparison()
    comparison.add(np.array([[-1e-9, -40.0]]), np.array([[-1e-9, -80.0]]), same_glosses=True)
    assert comparison.largest == 0


def test_a_missing_emulator_is_named_with_the_command_that_brings_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"qemu-aarch64-static.*apt-get install"):
        emulation.arm_launcher(folder=tmp_path / "system")


def test_a_wheel_with_a_path_outside_is_refused(tmp_path):
    wheel = tmp_path / "bad.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("../outside", "")
    with pytest.raises(UserError, match=r"bad\.whl: a file of it would lie outside"):
        emulation._unzip(wheel, tmp_path / "site")
    assert not (tmp_path / "outside").exists()


@pytest.fixture(scope="module")
def system():
    """The ARM64 system, kept between runs; the test skips where it cannot be had."""
    if missing := emulation.missing_tools():
        pytest.skip(f"{', '.join(missing)} is not installed")
    try:
        emulation.arm_launcher()
    except UserError as error:
        pytest.skip(str(error))
    return emulation.default_folder()


def test_a_bundle_reads_the_same_on_arm(system, tiny, tmp_path_factory, capsys):
    run = tiny.trained_run(tmp_path_factory)
    folder = tmp_path_factory.mktemp("arm")
    options = ["--precision", "fp32", "dynamic", "int8", "--frames", "16"]
    options += ["--no-verify", "--no-latency"]
    assert export([str(run), *options, "--to", str(folder / "bundle")]) == 0
    data = ["--data", str(run.parent / "data"), "--clips", "3"]
    written = folder / "arm.json"
    assert main([str(folder / "bundle"), *data, "--to", str(written)]) == 0
    rows = json.loads(written.read_text())["rows"]
    assert [row["precision"] for row in rows] == 2 * ["fp32", "dynamic", "int8"]
    assert {row["cpu"] for row in rows} == {"cortex-a53", "cortex-a76"}
    assert all(row["same"] and row["clips"] > 3 for row in rows)
    assert all(row["largest"] < 1e-3 for row in rows if row["precision"] != "dynamic")
    assert "cortex-a76" in capsys.readouterr().out


def test_classes_that_a_model_of_single_signs_never_gives_are_no_difference():
    comparison = Comparison()
    scores = np.array([[-np.inf, -np.inf, -0.1, -2.4]])
    with np.errstate(invalid="raise"):
        comparison.add(scores, scores + 1e-6, same_glosses=True)
    assert comparison.largest < 2e-6
