"""What models share that read the features of `KeypointInputs`."""

from collections.abc import Iterable, Mapping
from typing import Any

from slr_keras.models.inputs.layer import KeypointInputs


class ReadsFeatures:
    """Mix-in of models with an input layer.

    Attributes:
        input_layer: gives the features; None if the model reads the points as they are.
    """

    #: Arrays of a batch that the model reads.
    clip_inputs = ("keypoints", "mask")
    input_layer: KeypointInputs | None

    @property
    def steps(self) -> int:
        """Times to which each clip is resampled within the model; 0: frames are kept."""
        return 0 if self.input_layer is None else self.input_layer.config.steps

    def adapt(self, batches: Iterable[Mapping[str, Any]]) -> None:
        """Learn the statistics of the inputs from batches of the train split."""
        if self.input_layer is not None:
            self.input_layer.adapt(batches)
