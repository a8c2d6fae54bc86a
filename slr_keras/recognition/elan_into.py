"""Add predictions to documents of ELAN that exist."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slr_keras.recognition.clip import Clip, Failure, Prediction
from slr_keras.recognition.elan import in_turn
from slr_keras.recognition.writers import Clean, Results, Sorted, Writer, clip_paths, writer
from slr_keras.text.eaf import EafDocument, read_eaf
from slr_keras.text.eaf_tiers import Sign, with_predictions
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import atomic_write

DEFAULT_TIER = "slr_gloss"


def add_prediction(path: Path, prediction: Prediction, tier: str, media: str = "") -> int:
    """Add the signs of a clip and their confidences to a document, in two new tiers.

    Times of the clip become times of the document: TIME_ORIGIN of the medium is subtracted.

    Args:
        path: the document.
        prediction: of the clip that the document's medium shows, from its start.
        tier: name of the new tier; the confidences are in TIER_confidence.
        media: name of the clip's file, which chooses among several media.

    Returns:
        The number of signs that were left out, since they end before time 0 of the document.

    Raises:
        UserError: the document cannot be read, or has such a tier already.
    """
    document = read_eaf(path)
    origin = _origin(document, media)
    signs = [
        Sign(gloss.gloss, max(start - origin, 0), end - origin, gloss.confidence)
        for gloss, start, end in in_turn(prediction)
        if end > origin
    ]
    data = with_predictions(document, signs, tier)
    with atomic_write(path, "wb") as file:
        file.write(data)
    return len(prediction.glosses) - len(signs)


def _origin(document: EafDocument, media: str) -> int:
    named = {medium.origin for medium in document.media if media and medium.name == media}
    origins = named or {medium.origin for medium in document.media} or {0}
    if len(origins) > 1:
        raise UserError(
            f"{document.path}: its media have different offsets ({sorted(origins)} ms), and none "
            f"is named {media!r}; give the clip the name of its medium"
        )
    return origins.pop()


def chosen_writer(options: argparse.Namespace, clips: Sequence[Clip]) -> Writer:
    """The writer of the options `format`, `to`, `times`, `top`, `into` and `tier`.

    Raises:
        UserError: see `writers.writer`; options contradict one another; or a document is missing,
            cannot be read or has the tier already.
    """
    if not options.into:
        if options.tier:
            raise UserError(f"--tier {options.tier}: names the tier that --into adds")
        return writer(options.format, options.to, clips, options.times, options.top)
    if options.format != "eaf" or options.to:
        raise UserError("--into: adds to documents of ELAN; give --format eaf, and omit --to")
    paths = clip_paths(options.into, clips, ".eaf", "--into") or {}
    tier = options.tier or DEFAULT_TIER
    for path in paths.values():
        # Before minutes are spent on recognition.
        with_predictions(read_eaf(path), [], tier)
    return _IntoWriter(paths, tier, {(clip.id, clip.source): clip.video for clip in clips})


class _IntoWriter:
    def __init__(
        self,
        paths: Mapping[tuple[str, str], Path],
        tier: str,
        videos: Mapping[tuple[str, str], Path | None],
    ):
        self.paths, self.tier, self.videos = paths, tier, videos

    def __call__(self, results: Results, about: Mapping[str, Any], clean: Clean) -> Sorted:
        predictions: list[Prediction] = []
        failures: list[Failure] = []
        for result in results:
            if isinstance(result, Failure):
                failures.append(result)
                continue
            key = result.id, result.source
            video = self.videos[key]
            name = (Path(result.source) if video is None else video).name
            try:
                left_out = add_prediction(self.paths[key], result, self.tier, name)
            except UserError as error:
                failures.append(Failure(*key, str(error)))
                continue
            predictions.append(result)
            if left_out:
                note = f"note: {self.paths[key]}: {left_out} signs end before the document begins"
                print(note, file=sys.stderr)
        return predictions, failures
