"""The data of a run, read and checked before anything is learnt."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slr_keras.config.schema import CONDITIONAL_LOSSES, Config, DataConfig
from slr_keras.data.loaders.options import ClipOptions
from slr_keras.data.manifest import Manifest, read_manifest
from slr_keras.data.modality import KEYPOINTS, Modality, Output
from slr_keras.data.pipeline import ClipDataset
from slr_keras.data.segments import Segments
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.training.model import Contract
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    import keras

LISTED = 20


@dataclass(frozen=True)
class Task:
    """What a run learns from: clips, glosses and points."""

    train: Manifest
    dev: Manifest
    vocabulary: Vocabulary
    contract: Contract


def read_task(
    config: DataConfig, modality: Modality = "keypoints", output: Output = "glosses"
) -> Task:
    """Read the splits, the vocabulary and the contract that a config names.

    Args:
        config: names the folder and its splits.
        modality: what the model sees, "keypoints" or "video".
        output: what the model gives; "sign" needs exactly one gloss of every clip.

    Raises:
        UserError: a split that is missing or empty, splits that share a signer where the config
            forbids it, a train gloss that the vocabulary lacks, or a clip without the one gloss
            that a model of single signs learns; names the sample.
    """
    train, dev = (read_split(config, split) for split in (config.train, config.dev))
    if output == "sign":
        require_single_glosses(train)
        require_single_glosses(dev)
    _check_labelled(train)
    vocabulary = _vocabulary(config, train)
    for sample in train:
        vocabulary.encode(sample.glosses, where=train.where(sample))
    _check_unknown(config, dev, vocabulary)
    splits = {config.train: train, config.dev: dev}
    if config.test and (Path(config.folder) / f"{config.test}.jsonl").is_file():
        splits[config.test] = read_split(config, config.test)
    if config.unseen_signers:
        _check_signers(splits)
    return Task(train, dev, vocabulary, contract_of(train, modality))


def read_split(config: DataConfig, split: str) -> Manifest:
    """One split of the data folder.

    Raises:
        UserError: there is no such folder or split, or it is empty; says which splits there are.
    """
    folder = Path(config.folder)
    if not folder.is_dir():
        raise UserError(
            f"data.folder: {folder} does not exist; the README says how to make or convert data"
        )
    path = folder / f"{split}.jsonl"
    if not path.is_file():
        there = ", ".join(sorted(p.stem for p in folder.glob("*.jsonl"))) or "none"
        raise UserError(f"{path}: there is no such split; the folder has: {there}")
    manifest = read_manifest(path)
    if not len(manifest):
        raise UserError(f"{path}: the split has no clips")
    return manifest


def require_single_glosses(manifest: Manifest) -> None:
    """Refuse clips that do not show exactly one sign, as models of isolated signs need.

    Raises:
        UserError: names the first such clip.
    """
    wrong = [sample for sample in manifest if len(sample.glosses) != 1]
    if wrong:
        found = " ".join(wrong[0].glosses) or "none"
        raise UserError(
            f"{manifest.where(wrong[0])}: has {len(wrong[0].glosses)} glosses ({found}), but this "
            f"model names the one sign of a clip; {len(wrong)} of {len(manifest)} clips are so: "
            "remove them, or choose a model of sentences such as stark"
        )


def contract_of(manifest: Manifest, modality: Modality) -> Contract:
    """The manifest's contract of keypoints or of frames.

    Raises:
        UserError: the folder has none.
    """
    return manifest.contract if modality == "keypoints" else manifest.frame_contract


def training_dataset(config: Config, task: Task, replicas: int) -> ClipDataset:
    """The train split: shuffled, resampled, augmented.

    Raises:
        UserError: more clips than `training.max_infeasible` are too short for their glosses.
    """
    keypoints = task.contract.modality == KEYPOINTS
    dataset = ClipDataset(
        task.train,
        task.vocabulary,
        task.contract,
        config.data.batch_size,
        training=True,
        options=ClipOptions(
            config.augmentation if keypoints else config.video_augmentation,
            seed=config.training.seed,
            max_frames=config.data.max_frames,
            ctc_epochs=ctc_epochs(config),
            segments=segments(config),
            stream=config.data.stream,
        ),
        bucket_boundaries=config.data.buckets,
        replicas=replicas,
    )
    _report_infeasible(dataset, task.train, config.training.max_infeasible)
    return dataset


def ctc_epochs(config: Config) -> int | None:
    """Epochs at the start in which a recipe learns CTC; None for all of them.

    It decides how many frames a clip needs: CTC, unlike a conditional gloss decoder, needs a step
    between two equal glosses (specs/c2st.md §5.1).

    >>> from slr_keras.config import parse_config
    >>> from slr_keras.training.data import ctc_epochs
    >>> recipe = {"data": {"folder": "data"}, "transduction": {"ctc_epochs": 3}}
    >>> [ctc_epochs(parse_config({**recipe, "model": {"name": n}})) for n in ("c2st", "stark")]
    [3, None]
    """
    from slr_keras.models.registry import family_of

    learns_ctc = config.transduction.loss not in CONDITIONAL_LOSSES
    if learns_ctc or not family_of(config.model.name).conditional:
        return None
    return config.transduction.ctc_epochs


def segments(config: Config) -> Segments | None:
    """How a recipe takes the same number of frames of every clip; None where it takes all.

    >>> from slr_keras.config import parse_config
    >>> from slr_keras.training.data import segments
    >>> [segments(parse_config({"data": {"folder": "a", "clip_frames": n}})) for n in (16, 0)]
    [Segments(count=16, rule='segments'), None]

    Raises:
        UserError: a number of frames that is not a multiple of 4.
    """
    from slr_keras.models.registry import list_models, preset_options

    frames = config.data.clip_frames
    if frames is None:
        name = config.model.name
        preset = preset_options(name) if name in list_models() else {}
        options = {**preset, **config.model.options}
        frames = options.get("clip_frames", 0)
    return Segments(frames, config.data.clip_sampling) if frames else None


def evaluation_dataset(
    config: Config,
    manifest: Manifest,
    vocabulary: Vocabulary,
    contract: Contract,
    replicas: int = 1,
    fps: float | None = None,
) -> ClipDataset:
    """A split as it is scored: every clip once, in order of length.

    Args:
        config: of the run.
        manifest: the split.
        vocabulary: of the run; glosses outside it become <unk>.
        contract: of the split's folder.
        replicas: see `ClipDataset`.
        fps: frames a second that the model sees; the contract's if None.
    """
    return ClipDataset(
        manifest,
        vocabulary,
        contract,
        -(-config.data.batch_size // replicas) * replicas,
        training=False,
        options=ClipOptions(
            max_frames=config.data.max_frames,
            unknown="unk",
            segments=segments(config),
            fps=fps,
            stream=config.data.stream,
        ),
        replicas=replicas,
    )


def require_lengths(model: "keras.Model", dataset: ClipDataset) -> None:
    """Refuse clips that a model cannot take, before anything is computed.

    Args:
        model: has `frames_range` if not every length suits it, `clip_frames` if one alone does.
        dataset: clips as the model will see them.

    Raises:
        UserError: a clip that has, or in training may get, too few or too many frames; names it.
    """
    fixed = getattr(model, "clip_frames", 0)
    if fixed and set(dataset.lengths().tolist()) != {fixed}:
        raise UserError(
            f"the model takes {fixed} frames of every clip; set data.clip_frames to {fixed}, or "
            "model.options.clip_frames to what the data gives"
        )
    if not hasattr(model, "frames_range"):
        return
    shortest, longest = model.frames_range
    drawn = dataset.training and dataset.clips.resamples
    lengths = dataset.clips.possible_lengths() if drawn else dataset.lengths()
    lengths = lengths.reshape(len(dataset.manifest), -1)
    for row, (least, most) in enumerate(zip(lengths.min(axis=1), lengths.max(axis=1))):
        if longest is not None and most > longest:
            raise UserError(
                f"{dataset.manifest.where(row)}: {most} frames, but the model has room for "
                f"{longest}: set data.max_frames to {longest // 4 * 4} or less, or make room with "
                "model.options.positions"
            )
        if least < shortest:
            raise UserError(
                f"{dataset.manifest.where(row)}: {least} frames, but the model in its published "
                f"form needs {shortest}; remove the clip, or leave model.options.masked on"
            )


def _vocabulary(config: DataConfig, train: Manifest) -> Vocabulary:
    beside = Path(config.folder) / "vocabulary.txt"
    if config.vocabulary:
        return Vocabulary.read(config.vocabulary)
    if beside.is_file():
        return Vocabulary.read(beside)
    return Vocabulary.from_samples(train)


def _check_labelled(train: Manifest) -> None:
    silent = [sample.id for sample in train if not sample.glosses]
    if len(silent) == len(train):
        raise UserError(f"{train.path}: no clip has glosses, so there is nothing to learn")
    if silent:
        _warn(f"{train.path}: {len(silent)} clips without glosses teach silence: {_listed(silent)}")


def _check_unknown(config: DataConfig, manifest: Manifest, vocabulary: Vocabulary) -> None:
    strange = [(s, g) for s in manifest for g in s.glosses if g not in vocabulary]
    if not strange:
        return
    sample, gloss = strange[0]
    if config.unknown_glosses == "error":
        vocabulary.encode([gloss], where=manifest.where(sample))
    glosses = sorted({gloss for _, gloss in strange})
    _warn(
        f"{manifest.path}: {len(glosses)} glosses that training never shows count as errors: "
        f"{_listed(glosses)}"
    )


def _check_signers(splits: dict[str, Manifest]) -> None:
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


def _report_infeasible(dataset: ClipDataset, manifest: Manifest, most: float) -> None:
    found = dataset.infeasible()
    if not found:
        return
    listing = _listed([str(clip) for clip in found], "\n  ")
    if len(found) > most * len(manifest):
        raise UserError(
            f"{manifest.path}: {len(found)} of {len(manifest)} clips are too short for their "
            f"glosses, more than training.max_infeasible = {most:g} allows; correct or remove "
            f"them:\n  {listing}"
        )
    _warn(
        f"{manifest.path}: {len(found)} clips are too short for their glosses and are learnt from "
        f"only where lengthening makes room:\n  {listing}"
    )


def _listed(items: Iterable[str], separator: str = ", ") -> str:
    items = list(items)
    more = f"{separator}and {len(items) - LISTED} more" if len(items) > LISTED else ""
    return separator.join(items[:LISTED]) + more


def _warn(text: str) -> None:
    print(f"warning: {text}", file=sys.stderr)
