"""Evaluation of a bundle on a split, clip by clip as in an app."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from slr_keras.bundle.bundle import Bundle
from slr_keras.bundle.scorer import bundle_recogniser
from slr_keras.config import Config, parse_config
from slr_keras.data.manifest import Manifest
from slr_keras.decoding.outputs import ENSEMBLE
from slr_keras.recognition.clip import Clip
from slr_keras.recognition.modality.base import Overrides
from slr_keras.recognition.modality.keypoints import KeypointInput
from slr_keras.recognition.recogniser import Recogniser
from slr_keras.utils.errors import UserError
from slr_keras.utils.failures import Failures

if TYPE_CHECKING:
    from slr_keras.training.evaluation import Evaluation


def recipe_of(bundle: Bundle) -> Config:
    """The part of the run's recipe that a bundle keeps: data, decoding and scoring."""
    data = {**bundle.metadata["data"], "scoring": bundle.scoring}
    return parse_config(
        {
            "data": data,
            "model": {"name": bundle.model_name},
            "decoding": bundle.metadata["decoding"],
        },
        str(bundle.path),
    )


def score_bundle(
    bundle: Bundle,
    manifest: Manifest,
    recipe: Config,
    precision: str | None = None,
    advance: Callable[[int], None] = lambda clips: None,
    failures: Failures | None = None,
) -> "Evaluation":
    """Recognise and score a split.

    Args:
        bundle: to score.
        manifest: the clips; points and units are converted to those of the bundle.
        recipe: decoding and scoring.
        precision: of the files; the first of the bundle by default.
        advance: called with the clip count after each clip.
        failures: collects clips that cannot be read, which are left out; None: one raises.

    Raises:
        UserError: a clip cannot be read or does not fit the bundle; names the clip.
    """
    from slr_keras.training.evaluation import evaluate

    with bundle_recogniser(bundle, precision, recipe.decoding) as recogniser:
        return evaluate(
            _Predictor(recogniser),
            _Clips(manifest, failures),
            bundle.vocabulary,
            recipe.decoding,
            recipe.data.scoring,
            recogniser.language_model,
            advance,
        )


@dataclass(frozen=True)
class _Clips:
    """The part of `ClipDataset` that `evaluate` uses."""

    manifest: Manifest
    failures: Failures | None = None

    def seconds(self) -> np.ndarray:
        """Length in seconds of every clip, `(clips,)`."""
        return np.array([sample.frames / self.manifest.rate(sample) for sample in self.manifest])


class _Predictor:
    """Scores of the clips of a split, in batches of one clip."""

    def __init__(self, recogniser: Recogniser):
        self.recogniser = recogniser
        self.decoder = recogniser.scorer.decoder
        self._modality = KeypointInput(recogniser.trained.contract, Overrides())

    def __call__(
        self, clips: _Clips
    ) -> Iterator[tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]]:
        manifest = clips.manifest
        read = self._modality.manifest_reader(manifest)
        for row, sample in enumerate(manifest):
            where = manifest.where(row)
            try:
                scores = self._scores(Clip(sample.id, where, partial(read, row)))
            except Exception as error:
                if clips.failures is None:
                    raise
                clips.failures.add(where, error)
                continue
            yield np.array([row]), np.array([len(scores)]), {ENSEMBLE: scores[None]}

    def _scores(self, clip: Clip) -> np.ndarray:
        footage = self._modality.footage(clip, self.recogniser.preparation)
        try:
            return self.recogniser.scores(footage.frames)
        except UserError as error:
            raise UserError(f"{clip.source}: {error}") from error
