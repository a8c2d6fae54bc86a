"""The guide on own signs works as it is written, on simulated and on real recordings."""

import json
from pathlib import Path

import own_signs
import pytest
from documentation import PAGES, blocks

from slr_keras.__main__ import INDEX
from slr_keras.enrolment.storage import read_enrolment

GUIDE = PAGES["docs/guides/own-signs-in-ten-minutes.md"].read_text(encoding="utf-8")


def commands() -> list[list[str]]:
    """The arguments of every command of the guide."""
    lines = [line for _, block in blocks(GUIDE, "console") for line in block.splitlines()]
    return [line.removeprefix("$ slr ").split() for line in lines if line.startswith("$ slr ")]


def run(arguments: list[str]) -> int:
    """Run a command; a file stands in for the camera."""
    if "--camera" in arguments and arguments[0] == "enrol":
        arguments = [*arguments, "--source", "film.npy", "--countdown", "0.8", "--seconds", "1.2"]
    elif "--camera" in arguments:
        arguments = [word for word in arguments if word not in ("--camera", "0")] + ["film.npy"]
    return INDEX.main(arguments)


def run_the_guide(folder: Path, recorded: own_signs.Recorded, monkeypatch) -> None:
    monkeypatch.chdir(folder)
    own_signs.use_an_encoder(monkeypatch)
    own_signs.write(folder, recorded)
    # Merging needs another file.
    assert INDEX.main(["enrol", "more", "--to", "yours.slr"]) == 0
    for arguments in commands():
        if "hello" in arguments and "--rename" in arguments:
            assert set(own_signs.SIGNS) == set(read_enrolment("my_signs.slr").signs)
        assert run(arguments) == 0, arguments
    ours = read_enrolment("ours.slr")
    assert set(ours.signs) >= {"good-day", "good"}
    assert json.loads(Path("answers.json").read_text())["clips"]


def test_the_guide_uses_every_command_for_enrolled_signs():
    assert {arguments[0] for arguments in commands()} == {"enrol", "predict", "stream", "evaluate"}


def test_the_commands_of_the_guide_run_on_simulated_recordings(tmp_path, monkeypatch):
    run_the_guide(tmp_path, own_signs.simulated(), monkeypatch)


@pytest.mark.shared_data
def test_the_commands_of_the_guide_run_on_real_recordings(tmp_path, monkeypatch, shared_data):
    recorded = own_signs.real(shared_data / "ksl13/words.npz", ["bad", "tired", "yes"])
    run_the_guide(tmp_path, recorded, monkeypatch)
