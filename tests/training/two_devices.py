"""Three steps on one device and on two, printed as the largest difference of any weight."""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

from slr_keras.config import override  # noqa: E402
from slr_keras.training.distribution import make_strategy  # noqa: E402
from slr_keras.training.folder import RunFolder  # noqa: E402
from slr_keras.training.trainer import Trainer  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))
import tiny_run as tiny  # noqa: E402

# A bias before batch normalisation has a gradient of exactly zero: Adam turns the rounding that is
# computed instead into steps of any size, and nothing that the model gives depends on it. The
# running mean behind it follows it, a tenth of the way at each step.
WITHOUT_GRADIENT = (
    "stem/linear/bias",
    "block_1/output/bias",
    "feed_forward/bias",
    "residual_1/bias",
    "residual_2/bias",
    "input/bias",
    "input_norm/moving_mean",
)

data, runs = Path(sys.argv[1]), Path(sys.argv[2])
options = {"dropout": 0.0, "attention_dropout": 0.0}
base = tiny.config(data, options=options, learning_rate=1e-3, warm_up_epochs=0)


def three_steps(name, *overrides):
    config = override(base, overrides)
    folder = RunFolder(runs / name)
    folder.open(config)
    trainer = Trainer(config, folder, make_strategy(config.distribution))
    losses = []
    # 10 clips in batches of 4: the last batch has fillers on two devices.
    for batch in trainer._batches(0, 0):
        losses.append(float(trainer.step(batch, 1e-3)["loss"]))
    weights = [
        v.numpy()
        for v in trainer.model.variables
        if "seed" not in v.path and not v.path.endswith(WITHOUT_GRADIENT)
    ]
    if name == "two":
        kinds = {type(v.value).__name__ for v in trainer.model.trainable_variables}
        print("replicas", trainer.strategy.num_replicas_in_sync, *kinds)
    return losses, weights, trainer


one_losses, one, single = three_steps("one")
two_losses, two, mirrored = three_steps("two", "distribution.strategy=mirrored")
print("losses", max(abs(a - b) / abs(a) for a, b in zip(one_losses, two_losses, strict=True)))
print("steps", len(one_losses))
print("weights", max(np.abs(a - b).max() for a, b in zip(one, two, strict=True)))

# The dev split scored on two devices: 4 clips, and one batch with a filler when a clip is left out.
for variable, value in zip(mirrored.model.variables, single.model.variables, strict=True):
    variable.assign(value.numpy())
scores = []
for trainer in (single, mirrored):
    found = {}
    for rows, steps, heads in trainer.predictor(trainer.dev):
        for place, row in enumerate(rows):
            found[int(row)] = heads["ensemble"][place, : steps[place]]
    scores.append(found)
assert sorted(scores[0]) == sorted(scores[1]) == list(range(len(single.dev)))
print("evaluation", max(np.abs(scores[0][row] - scores[1][row]).max() for row in scores[0]))
