"""Checks of a run's data before training starts."""

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from slr_keras.config.schema import Config, DataConfig
from slr_keras.data.manifest import Manifest
from slr_keras.data.modality import KEYPOINTS, Modality
from slr_keras.data.pipeline import ClipDataset
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.text.phoenix import CLEAN_UP
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    import keras

# Largest number of samples or glosses that a message lists.
LISTED = 20


def require_single_glosses(manifest: Manifest) -> None:
    """Refuse clips that are not labelled with exactly one sign.

    Raises:
        UserError: names the first such clip.
    """
    wrong = [sample for sample in manifest if len(sample.glosses) != 1]
    if wrong:
        glosses = " ".join(wrong[0].glosses) or "none"
        raise UserError(
            f"{manifest.where(wrong[0])}: has {len(wrong[0].glosses)} glosses ({glosses}), but "
            "this model names the one sign of a clip; "
            f"{len(wrong)} of {len(manifest)} clips do not have exactly one gloss: remove them, "
            "or choose a model of sentences such as stark"
        )


def require_lengths(model: "keras.Model", dataset: ClipDataset) -> None:
    """Refuse clips whose length a model cannot process, before anything is computed.

    Args:
        model: has the attribute `frames_range` if it limits the length of clips, and
            `clip_frames` if it accepts one length only.
        dataset: the clips.

    Raises:
        UserError: a clip has too few or too many frames, or resampling in training may give it
            too few or too many; names the clip.
    """
    fixed = getattr(model, "clip_frames", 0)
    if fixed and set(dataset.lengths().tolist()) != {fixed}:
        raise UserError(
            f"the model takes {fixed} frames of every clip; set data.clip_frames to {fixed}, or "
            "model.options.clip_frames to the number of frames in the data"
        )
    if not hasattr(model, "frames_range"):
        return
    shortest, longest = model.frames_range
    drawn = dataset.training and dataset.clips.lengths_vary
    lengths = dataset.clips.possible_lengths() if drawn else dataset.lengths()
    lengths = lengths.reshape(len(dataset), -1)
    for row, (least, most) in enumerate(zip(lengths.min(axis=1), lengths.max(axis=1))):
        if longest is not None and most > longest:
            raise UserError(
                f"{dataset.clips.where(row)}: {most} frames, but the model has room for "
                f"{longest}: set data.max_frames to {longest // 4 * 4} or less, or increase "
                "model.options.positions"
            )
        if least < shortest:
            raise UserError(
                f"{dataset.clips.where(row)}: {least} frames, but the model without masking "
                f"(the published form) needs {shortest}; remove the clip, or set "
                "model.options.masked to true"
            )


def check_labelled(train: Manifest) -> None:
    """Refuse a train split without glosses; warn about clips without glosses.

    Clips whose manifest has the key `rest` are meant to have none.

    Raises:
        UserError: no clip has glosses.
    """
    if not any(sample.glosses for sample in train):
        raise UserError(f"{train.path}: no clip has glosses, so there is nothing to learn")
    silent = [s.id for s in train if not s.glosses and not s.extra.get("rest")]
    if silent:
        _warn(
            f"{train.path}: {len(silent)} clips without glosses; the model learns to output "
            f"nothing for them: {_listed(silent)}"
        )


def require_references(manifest: Manifest, scoring: str) -> None:
    """Refuse a split for the choice of the best epoch that has no glosses.

    Args:
        manifest: the split.
        scoring: clean-up rules, a key of `slr_keras.text.phoenix.CLEAN_UP`.

    Raises:
        UserError: no clip has glosses, or none is left by the clean-up.
    """
    if not any(sample.glosses for sample in manifest):
        raise UserError(f"{manifest.path}: no clip has glosses, so there is nothing to score")
    clean = CLEAN_UP[scoring]
    if not any(clean(sample.glosses) for sample in manifest):
        raise UserError(
            f"{manifest.path}: the clean-up {scoring} leaves no gloss, so there is nothing to "
            "score; set data.scoring to plain"
        )


def require_files(manifest: Manifest, modality: Modality) -> None:
    """Refuse a split whose files are missing, before an epoch is spent on the others.

    Args:
        manifest: the split.
        modality: whether the keypoints or the videos are read.

    Raises:
        UserError: a clip names no file, or files do not exist; names the first, and how many.
    """
    key = "keypoints" if modality == KEYPOINTS else "video"
    there: dict[str, bool] = {}
    absent = []
    for row, sample in enumerate(manifest):
        name = getattr(sample, key)
        if name not in there:
            there[name] = bool(name) and (manifest.folder / name).exists()
        if not there[name]:
            absent.append(row)
    if absent:
        name = getattr(manifest[absent[0]], key)
        what = f"{name} does not exist" if name else f"the clip has no {key}"
        raise UserError(
            f"{manifest.where(absent[0])}: {what}; {len(absent)} of {len(manifest)} clips lack "
            "their file: restore the files, or drop the clips"
        )


def refuse_composition(config: Config) -> None:
    """Refuse composed sentences for a model of isolated signs.

    Raises:
        UserError: the recipe composes sentences.
    """
    if config.composition.fraction:
        raise UserError(
            f"composition.fraction is {config.composition.fraction:g}, but {config.model.name} "
            "names the one sign of a clip; set composition.fraction to 0, or choose a model of "
            "sentences such as stark"
        )


def check_unknown_glosses(config: DataConfig, manifest: Manifest, vocabulary: Vocabulary) -> None:
    """Warn about glosses outside the vocabulary, or refuse them if the recipe says so.

    Raises:
        UserError: a gloss is unknown and `data.unknown_glosses` is "error"; names the sample.
    """
    unknown = [(s, g) for s in manifest for g in s.glosses if g not in vocabulary]
    if not unknown:
        return
    sample, gloss = unknown[0]
    if config.unknown_glosses == "error":
        vocabulary.encode([gloss], where=manifest.where(sample))
    glosses = sorted({gloss for _, gloss in unknown})
    _warn(
        f"{manifest.path}: {len(glosses)} glosses are not in the vocabulary and count as errors: "
        f"{_listed(glosses)}"
    )


def check_signers(splits: Mapping[str, Manifest]) -> None:
    """Refuse splits that share a signer.

    Raises:
        UserError: names the signer and a sample of each split.
    """
    seen: dict[str, tuple[str, str]] = {}
    for split, manifest in splits.items():
        for sample in manifest:
            other, example = seen.setdefault(sample.signer, (split, sample.id))
            if other != split:
                raise UserError(
                    f"data.unseen_signers: signer {sample.signer!r} is in {other} (sample "
                    f"{example!r}) and in {split} (sample {sample.id!r}); move all clips of a "
                    "signer to one split, or set data.unseen_signers to false"
                )


def report_infeasible(dataset: ClipDataset, manifest: Manifest, most: float) -> None:
    """Warn about clips that are too short for their glosses, or refuse them.

    Args:
        dataset: the train split.
        manifest: manifest of the split.
        most: largest fraction of such clips that is allowed, 0 to 1.

    Raises:
        UserError: the fraction is larger; lists the clips.
    """
    infeasible = dataset.infeasible()
    if not infeasible:
        return
    listing = _listed([str(clip) for clip in infeasible], "\n  ")
    if len(infeasible) > most * len(manifest):
        raise UserError(
            f"{manifest.path}: {len(infeasible)} of {len(manifest)} clips are too short for their "
            f"glosses, more than training.max_infeasible = {most:g} allows; correct or remove "
            f"them:\n  {listing}"
        )
    _warn(
        f"{manifest.path}: {len(infeasible)} clips are too short for their glosses; training uses "
        f"them only in epochs whose resampling makes them long enough:\n  {listing}"
    )


def _listed(items: Iterable[str], separator: str = ", ") -> str:
    items = list(items)
    more = f"{separator}and {len(items) - LISTED} more" if len(items) > LISTED else ""
    return separator.join(items[:LISTED]) + more


def _warn(text: str) -> None:
    print(f"warning: {text}", file=sys.stderr)
