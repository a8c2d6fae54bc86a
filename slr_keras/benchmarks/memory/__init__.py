"""The memory that a training step takes, computed without the accelerator that will run it."""
