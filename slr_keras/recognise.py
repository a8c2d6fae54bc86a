"""From raw keypoints to glosses with a trained run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from slr_keras.data.sampling import REDUCTION, evaluation_indices
from slr_keras.decoding import DecodingConfig, Hypothesis
from slr_keras.errors import UserError
from slr_keras.readout import ENSEMBLE, make_readout

if TYPE_CHECKING:
    from slr_keras.training.run import Run

# Output steps next to a cut have not seen all their neighbours: four encoder windows of seven
# frames and the head's convolutions reach 12 + 8 frames (specs/stark.md §3.10).
CONTEXT_STEPS = 6


@dataclass(frozen=True)
class Recognition:
    """Glosses recognised in one clip.

    Attributes:
        glosses: in the order signed.
        times: (start, end) of each gloss in seconds from the beginning of the clip.
        confidences: of each gloss, in [0, 1].
        log_probability: of the whole sequence, natural logarithm.

    >>> from slr_keras.recognise import Recognition
    >>> Recognition(("RAIN",), ((0.16, 0.48),), (0.98,), -0.1).glosses
    ('RAIN',)
    """

    glosses: tuple[str, ...]
    times: tuple[tuple[float, float], ...]
    confidences: tuple[float, ...]
    log_probability: float


class Recogniser:
    """Recognises clips with a run's best weights.

    A clip's result does not depend on the clips beside it. Clips longer than the run's
    `data.max_frames` are read in overlapping windows whose outputs are joined, so that nothing
    of them is lost (an evaluation follows the papers and cuts such clips to their middle).

    Args:
        run: a trained run.
        decoding: how to decode, the run's own way by default.

    Raises:
        UserError: the run sees video.

    Example::

        recogniser = Recogniser(Run.load("runs/demo"))
        print(recogniser.recognise(keypoints, fps=30).glosses)
    """

    def __init__(self, run: "Run", decoding: DecodingConfig | None = None):
        if run.modality != "keypoints":
            raise UserError(
                f"{run.path}: this run sees video, not keypoints; recognise a data folder with "
                f"`python -m slr_keras.evaluate {run.path} --data FOLDER`"
            )
        self.run = run
        self.decoding = decoding or run.decoding
        self.language_model = run.language_model(self.decoding)
        self._model = run.model()
        config = replace(run.config, decoding=self.decoding)
        self._readout = make_readout(self._model, config)
        self._predict = None

    def logits(self, clips: Sequence[np.ndarray]) -> list[dict[str, np.ndarray]]:
        """Scores of raw clips, computed in one batch.

        Args:
            clips: raw keypoints `(frames, source points, channels)` as the run's contract
                describes them, at the contract's frame rate.

        Returns:
            for each clip, by head and for the `ensemble`, `(steps, classes)`; a step is 4 frames.
            Heads give logits, the ensemble log-probabilities.

        Raises:
            UserError: an empty clip or one of another shape; says which.
        """
        windows, owners = [], []
        for number, clip in enumerate(clips):
            try:
                prepared = self._prepared(clip)
            except UserError as error:
                raise UserError(f"clip {number}: {error}") from error
            for window in self._windows(len(prepared)):
                windows.append(prepared[window])
                owners.append((number, window))
        scores = self._scores(windows) if windows else []
        return [
            _joined([(w, s) for (n, w), s in zip(owners, scores) if n == number])
            for number in range(len(clips))
        ]

    def recognise(self, raw: np.ndarray, fps: float | None = None) -> Recognition:
        """Recognise one clip.

        Args:
            raw: keypoints `(frames, source points, channels)`, as the run's contract says.
            fps: frames a second of the clip, if it is not the contract's; the clip is then
                brought to the contract's rate.

        Raises:
            UserError: an empty clip, another shape, or a frame rate that is not positive.
        """
        return self.recognise_batch([raw], [fps])[0]

    def recognise_batch(
        self, clips: Sequence[np.ndarray], fps: Sequence[float | None] | None = None
    ) -> list[Recognition]:
        """Recognise several clips at once; the arguments are lists of those of `recognise`."""
        rates = fps or [None] * len(clips)
        steady = [self._at_contract_rate(clip, rate) for clip, rate in zip(clips, rates)]
        found = []
        for scores in self.logits(steady):
            ensemble = scores[ENSEMBLE]
            hypothesis = self._readout.decode(
                ensemble[None], [len(ensemble)], self.decoding, self.language_model
            )[0]
            found.append(self._recognition(hypothesis))
        return found

    def _recognition(self, hypothesis: Hypothesis) -> Recognition:
        seconds = REDUCTION / self.run.contract.fps
        return Recognition(
            self.run.vocabulary.decode(hypothesis.ids),
            tuple((start * seconds, end * seconds) for start, end in hypothesis.spans),
            hypothesis.confidences,
            hypothesis.log_probability,
        )

    def _prepared(self, clip: np.ndarray) -> np.ndarray:
        clip = np.asarray(clip, np.float32)
        if not len(clip):
            raise UserError("the clip has no frames")
        points = self.run.contract.prepare(clip)
        return points[evaluation_indices(len(points), max(len(points), REDUCTION))]

    def _at_contract_rate(self, clip: np.ndarray, fps: float | None) -> np.ndarray:
        target = self.run.contract.fps
        if fps is None:
            return clip
        if not np.isfinite(fps) or fps <= 0:
            raise UserError(f"a clip's frame rate is {fps}; give frames per second above 0")
        frames = round(len(clip) * target / fps)
        if not len(clip) or frames == len(clip):
            return clip
        # The frame shown at the middle of each new frame's time.
        places = (np.arange(max(frames, 1)) + 0.5) * fps / target
        return clip[np.minimum(places.astype(int), len(clip) - 1)]

    def _windows(self, frames: int) -> list[slice]:
        longest = self.run.config.data.max_frames // REDUCTION * REDUCTION
        if frames <= longest:
            return [slice(0, frames)]
        stride = max(longest - 2 * CONTEXT_STEPS * REDUCTION, REDUCTION)
        starts = range(0, frames - longest + stride, stride)
        # The last window ends with the clip.
        return [slice(min(s, frames - longest), min(s, frames - longest) + longest) for s in starts]

    def _scores(self, windows: list[np.ndarray]) -> list[dict[str, np.ndarray]]:
        longest = max(map(len, windows))
        keypoints = np.stack(
            [np.pad(w, ((0, longest - len(w)), (0, 0), (0, 0)), mode="edge") for w in windows]
        )
        mask = np.stack([np.arange(longest) < len(w) for w in windows]).astype(np.float32)
        outputs = self._forward()(keypoints, mask)
        arrays = {name: value.numpy() for name, value in outputs.items()}
        return [
            {name: value[row, : len(window) // REDUCTION] for name, value in arrays.items()}
            for row, window in enumerate(windows)
        ]

    def _forward(self):
        if self._predict is None:
            import tensorflow as tf

            def forward(keypoints, mask) -> Mapping[str, tf.Tensor]:
                outputs = self._model({"keypoints": keypoints, "mask": mask}, training=False)
                return self._readout.scores(outputs)

            points, channels = len(self.run.contract.points), len(self.run.contract.channels)
            signature = [
                tf.TensorSpec((None, None, points, channels), tf.float32),
                tf.TensorSpec((None, None), tf.float32),
            ]
            self._predict = tf.function(forward, input_signature=signature, autograph=False)
        return self._predict


def _joined(parts: list[tuple[slice, dict[str, np.ndarray]]]) -> dict[str, np.ndarray]:
    """Join the scores of overlapping windows, each giving the steps far from its cuts."""
    if len(parts) == 1:
        return parts[0][1]
    joined: dict[str, list[np.ndarray]] = {name: [] for name in parts[0][1]}
    done = 0
    for place, (window, scores) in enumerate(parts):
        first = window.start // REDUCTION
        end = window.stop // REDUCTION
        if place + 1 < len(parts):
            # Halfway into what this window and the next both see.
            end = (end + parts[place + 1][0].start // REDUCTION) // 2
        for name, values in scores.items():
            joined[name].append(values[done - first : end - first])
        done = end
    return {name: np.concatenate(values) for name, values in joined.items()}
