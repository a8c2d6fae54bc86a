"""Runs and versions of all four systems: weights drawn at random, exported once a session."""

import pytest
from drawn_run import drawn_run

from export.saved_model import main
from slr_keras.data.simulator.cues import simulate_cues
from slr_keras.data.video.contract import FrameContract

USTM = {
    "width": 16,
    "adapter_width": 8,
    "backbone_options": {"embedding": 8, "depths": [1], "heads": [1], "window": 4, "stem": []},
}
MODELS = {
    "c2st": {
        "name": "c2st_tiny",
        "options": {"width": 16, "language_model_options": {"width": 8}},
    },
    "ustm": {"name": "ustm_tiny", "options": USTM},
    "stepnet": {"name": "stepnet_tiny", "options": {"width": 16}},
}
#: In the usual suite; the others are exported by tests marked `long`.
USUAL = ("stark", "c2st")
NAMES = ("stark", "stark_isolated", "c2st", "ustm", "stepnet")
SYSTEMS = [pytest.param(name, marks=[] if name in USUAL else [pytest.mark.long]) for name in NAMES]


@pytest.fixture(scope="session")
def served(tiny, tmp_path_factory):
    """A function from a system's name to its run and its version, made once a session."""
    made = {}

    def run_of(system, folder):
        if system == "stark":
            return tiny.trained_run(tmp_path_factory)
        if system == "stark_isolated":
            return drawn_run(folder / "run", tiny.sign_tree(tiny.write_signs(folder / "data")))
        data = video_data(folder / "data", isolated=system == "stepnet")
        tree = {"data": {"folder": str(data), "batch_size": 2}, "model": MODELS[system]}
        return drawn_run(folder / "run", tree)

    def version(system):
        if system not in made:
            folder = tmp_path_factory.mktemp(f"served_{system}")
            run = run_of(system, folder)
            clips = "2" if system.startswith("stark") else "0"
            arguments = [str(run), str(folder / "models"), "--clips", clips, "--frames", "8", "16"]
            assert main(arguments) == 0
            made[system] = run, folder / "models" / "1"
        return made[system]

    return version


def video_data(folder, isolated):
    """Pictures of another size than models see."""
    side = 64 if isolated else 32
    clips = {"train": 6, "dev": 3, "test": 3}
    simulate_cues(folder, "motion", clips, size=(side + 8, side + 4))
    seen = {"size": (side + 8, side + 4), "resize": (side + 6, side + 6), "crop": (side, side)}
    FrameContract(**seen).write(folder / "frames.json")
    return folder
