"""Score clips with the Keras model of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from slr_keras.data.preparation import preparation_for
from slr_keras.data.sampling import REDUCTION
from slr_keras.decoding import DecodingConfig
from slr_keras.recognition.scorer import Scorer, Scores
from slr_keras.training.model import make_decoder
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    from slr_keras.training.run import Run


class KerasScorer(Scorer):
    """Scores clips with a run's best weights.

    Args:
        run: a trained run.
        decoding: decoding options.

    Raises:
        UserError: the run reads optical flow, which recordings do not contain.
    """

    def __init__(self, run: "Run", decoding: DecodingConfig):
        if run.config.data.stream == "flow":
            raise UserError(
                f"{run.path}: the run reads optical flow, which only data folders have; score the "
                "run with `slr evaluate`"
            )
        self._model = run.model()
        self.decoder = make_decoder(self._model, replace(run.config, decoding=decoding))
        # Imported here, because the import of Keras would delay messages about wrong arguments.
        from slr_keras.training.data import segments

        self.segments = segments(run.config)
        self.stride = getattr(self._model, "stride", 1)
        longest = run.config.data.max_frames
        if self.segments:
            longest = self.segments.count
        elif not self.decoder.names_one_sign:
            longest = longest // REDUCTION * REDUCTION
        self.longest = longest
        # A fixed number of frames is sampled from all frames; other models read whole steps.
        self.preparation = preparation_for(run.contract, 1 if self.segments else REDUCTION)
        self._predict = None

    def load(self) -> None:
        """See `Scorer`; traces the graph, which refuses heads that the model does not have."""
        self._forward().get_concrete_function()

    def score(self, clips: list[np.ndarray], names: Sequence[str] = ()) -> list[Scores]:
        """See `Scorer`."""
        lengths = np.array([len(clip) for clip in clips])
        # Padded with the last frame.
        places = np.minimum(np.arange(lengths.max()), lengths[:, None] - 1)
        batch = np.stack([clip[row] for clip, row in zip(clips, places)])
        mask = (np.arange(lengths.max()) < lengths[:, None]).astype(np.float32)
        outputs = self._forward()(batch, mask)
        arrays = {name: outputs[name].numpy() for name in names or outputs}
        return [
            # Copies, so that the scores of a clip do not keep those of the batch in memory.
            {name: value[row, :steps].copy() for name, value in arrays.items()}
            for row, steps in enumerate(self.decoder.steps(lengths, self.stride))
        ]

    def _forward(self):
        if self._predict is None:
            import tensorflow as tf

            frame = self.preparation.frame

            def forward(clips, mask) -> Mapping[str, tf.Tensor]:
                outputs = self._model({frame.name: clips, "mask": mask}, training=False)
                return self.decoder.scores(outputs)

            signature = [
                tf.TensorSpec((None, None, *frame.shape), frame.dtype),
                tf.TensorSpec((None, None), tf.float32),
            ]
            self._predict = tf.function(forward, input_signature=signature, autograph=False)
        return self._predict
