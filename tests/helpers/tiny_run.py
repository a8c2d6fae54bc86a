"""A recipe that trains in seconds: a few made-up clips, a model of a few hundred weights."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import yaml

from slr_keras.config import parse_config
from slr_keras.data.contract import contract
from slr_keras.data.layout import layout_from_json
from slr_keras.data.manifest import FolderWriter

GLOSSES = ("NORTH", "EAST", "SOUTH", "WEST")
POINTS = ("nose", "left_wrist", "left_hand_tip", "right_wrist", "right_hand_tip", "mouth")
LAYOUT = {
    "name": "tiny_6",
    "points": list(POINTS),
    "mirror": {"left_wrist": "right_wrist", "left_hand_tip": "right_hand_tip"},
    "streams": {
        "body": list(POINTS),
        "left": ["nose", "left_wrist", "left_hand_tip"],
    },
}
MODEL = {
    "widths": [8],
    "stem_width": 8,
    "heads": 1,
    "window": 3,
    "pools": [1],
    "head_width": 16,
    "feed_forward_width": 16,
}
FEED_FORWARD = "feed_forward_width"


def tiny_contract(streams=("body", "left"), **fields):
    """Six points in fractions of the image; a model has a head for each stream, and `fuse`."""
    chosen = {name: LAYOUT["streams"][name] for name in streams}
    layout = layout_from_json({**LAYOUT, "streams": chosen})
    return contract(layout, **{"fps": 25.0, **fields})


def clip(glosses, rng, frames_per_gloss=8):
    """Hands rest, go to the sign's direction, and rest again: `(frames, 6, 3)`."""
    rest = np.full((4, len(POINTS), 3), 0.5)
    parts = [rest]
    for gloss in glosses:
        angle = np.pi / 2 * GLOSSES.index(gloss)
        part = np.full((frames_per_gloss, len(POINTS), 3), 0.5)
        part[:, 1:5, 0] += 0.3 * np.cos(angle)
        part[:, 1:5, 1] += 0.3 * np.sin(angle)
        parts += [part, rest]
    points = np.concatenate(parts)
    points[..., :2] += rng.normal(0, 0.01, (*points.shape[:2], 2))
    points[..., 2] = 0.9
    return points.astype(np.float32)


def write_data(folder, train=10, dev=4, test=4, seed=0, streams=("body", "left")):
    """A data folder of sentences of one to three signs."""
    rng = np.random.default_rng(seed)
    with FolderWriter(folder, tiny_contract(streams)) as writer:
        for split, count in (("train", train), ("dev", dev), ("test", test)):
            for number in range(count):
                glosses = [str(g) for g in rng.choice(GLOSSES, 1 + number % 3)]
                writer.add(
                    split,
                    id=f"{split}-{number:02d}",
                    glosses=glosses,
                    keypoints=clip(glosses, rng),
                    signer=f"{split}-signer",
                )
    return Path(folder)


def write_signs(folder, train=16, dev=8, test=8, seed=0):
    """A data folder of clips of one sign, every sign equally often in each split."""
    rng = np.random.default_rng(seed)
    with FolderWriter(folder, tiny_contract()) as writer:
        for split, count in (("train", train), ("dev", dev), ("test", test)):
            for number in range(count):
                glosses = [GLOSSES[number % len(GLOSSES)]]
                points = clip(glosses, rng, frames_per_gloss=8 + 4 * (number % 2))
                writer.add(split, id=f"{split}-{number:02d}", glosses=glosses, keypoints=points)
    return Path(folder)


def sign_tree(folder, epochs=2, **training):
    """A recipe of isolated signs as nested mappings."""
    found = tree(folder, epochs, **training)
    of_encoders = {key: x for key, x in MODEL.items() if key not in ("head_width", FEED_FORWARD)}
    found["model"] = {"name": "stark_isolated", "options": {**of_encoders, "dropout": 0.0}}
    return found


def tree(folder, epochs=2, options=None, **training):
    """A recipe as nested mappings."""
    return {
        "data": {"folder": str(folder), "batch_size": 4},
        "model": {"name": "stark", "options": {**MODEL, **(options or {})}},
        "training": {
            "epochs": epochs,
            "learning_rate": 0.01,
            **training,
        },
    }


def config(folder, epochs=2, options=None, **training):
    """The recipe, parsed."""
    return parse_config(tree(folder, epochs, options, **training))


def write_recipe(path, folder, epochs=2, **training):
    """The recipe as a YAML file."""
    path = Path(path)
    path.write_text(yaml.safe_dump(tree(folder, epochs, **training)))
    return path


def environment(**extra):
    """For processes that tests start: one quiet CPU."""
    return {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", **extra}


def command(*arguments, directory=None, **extra):
    """Run `python ...` to its end; gives the finished process, its output as text."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", *map(str, arguments)],
        cwd=directory,
        env=environment(**extra),
        capture_output=True,
        text=True,
        timeout=1200,
    )


def trained_signs(scratch):
    """As `trained_run`, of isolated signs; data and recipe lie beside it."""
    from slr_keras.fit import main

    folder = scratch.getbasetemp() / "tiny_trained_signs"
    if not folder.exists():
        folder.mkdir()
        recipe = folder / "recipe.yaml"
        data = write_signs(folder / "data")
        recipe.write_text(yaml.safe_dump(sign_tree(data, epochs=30, learning_rate=0.03)))
        assert main([str(recipe), "--to", str(folder / "run")]) == 0
    return folder / "run"


def trained_run(scratch):
    """The folder of a run that knows its data, with report; trained once per test session.

    Args:
        scratch: pytest's `tmp_path_factory`.
    """
    from slr_keras.fit import main

    folder = scratch.getbasetemp() / "tiny_trained_run"
    if not folder.exists():
        folder.mkdir()
        data = write_data(folder / "data", train=12)
        recipe = write_recipe(folder / "recipe.yaml", data, epochs=30, learning_rate=0.02)
        assert main([str(recipe), "--to", str(folder / "run")]) == 0
    return folder / "run"
