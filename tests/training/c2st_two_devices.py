"""Two steps of C²ST with calibration on one device and on two; prints the largest differences."""

import sys
from pathlib import Path

import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

from slr_keras.config import override, parse_config  # noqa: E402
from slr_keras.data.simulator import simulate_folder  # noqa: E402
from slr_keras.training.distribution import make_strategy  # noqa: E402
from slr_keras.training.folder import RunFolder  # noqa: E402
from slr_keras.training.trainer import Trainer  # noqa: E402

runs = Path(sys.argv[1])
data = simulate_folder(
    runs / "data", "demo", {"train": 7, "dev": 2, "test": 2}, frames=(32, 32), video="npy"
)
base = parse_config(
    {
        "data": {"folder": str(data), "batch_size": 4},
        "model": {
            "name": "c2st_tiny",
            "options": {"width": 16, "dropout": 0.0, "language_model_options": {"width": 8}},
        },
        "video_augmentation": {"flip": 0.0},
        "training": {"epochs": 2, "learning_rate": 1e-3, "warm_up_epochs": 0},
        "transduction": {"calibration_start": 0.0},
    }
)


def two_steps(name, *overrides):
    config = override(base, overrides)
    folder = RunFolder(runs / name)
    folder.open(config)
    trainer = Trainer(config, folder, make_strategy(config.distribution))
    # 7 clips in batches of 4: the last batch has a filler on two devices.
    # The weights stay: Adam would turn the rounding of gradients near zero into whole steps.
    outcomes = [trainer.step(batch, 0.0) for batch in trainer._batches(0, 0)]
    print(name, trainer.strategy.num_replicas_in_sync)
    return [{key: float(value) for key, value in outcome.items()} for outcome in outcomes]


one, two = two_steps("one"), two_steps("two", "distribution.strategy=mirrored")
print("steps", len(one))
for name in ("clips", "loss", "calibration", "gradient_norm"):
    pairs = [(a[name], b[name]) for a, b in zip(one, two, strict=True)]
    print(name, max(abs(a - b) / max(abs(a), 1e-9) for a, b in pairs), min(min(p) for p in pairs))
