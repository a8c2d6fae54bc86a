"""Data of a run: splits, vocabulary, contract, and the datasets built from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slr_keras.config.schema import CONDITIONAL_LOSSES, Config, DataConfig
from slr_keras.data.composition.rest import without_rest
from slr_keras.data.joining import joined
from slr_keras.data.loaders.options import RGB, ClipOptions
from slr_keras.data.manifest import Manifest, read_manifest
from slr_keras.data.modality import KEYPOINTS, Modality, Output
from slr_keras.data.pipeline import ClipDataset
from slr_keras.data.segments import Segments
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.training.data_checks import (
    check_labelled,
    check_signers,
    check_unknown_glosses,
    refuse_composition,
    report_infeasible,
    require_files,
    require_references,
    require_single_glosses,
)
from slr_keras.training.model import Contract
from slr_keras.training.splits import split_path
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import sha256

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class RunData:
    """Data that a run is trained and validated on.

    Attributes:
        config: the recipe.
        train, dev: the two splits.
        vocabulary: maps glosses to ids.
        contract: contract of the data folder.
    """

    config: Config
    train: Manifest
    dev: Manifest
    vocabulary: Vocabulary
    contract: Contract

    def digests(self) -> dict[str, str]:
        """SHA-256 of each manifest, by file name."""
        return {split.path.name: sha256(split.path) for split in (self.train, self.dev)}

    def require_unchanged(self, digests: Mapping[str, str], run: Path) -> None:
        """Refuse manifests that changed since a run began.

        Args:
            digests: `digests()` when the run began.
            run: run folder, for the message.

        Raises:
            UserError: a manifest changed; names all that did.
        """
        changed = [name for name, digest in self.digests().items() if digests.get(name) != digest]
        if changed:
            raise UserError(
                f"{run}: {', '.join(changed)} changed since this run began; restore the data, or "
                "start over with --restart"
            )

    def training_dataset(self, replicas: int = 1, steps: int = 0) -> ClipDataset:
        """Dataset of the train split: shuffled, resampled, augmented.

        Args:
            replicas: see `ClipDataset`.
            steps: number of steps to which the model resamples each clip; 0 if it does not.

        Raises:
            UserError: more clips than `training.max_infeasible` are too short for their glosses.
        """
        config, composition = self.config, self.config.composition
        keypoints = self.contract.modality == KEYPOINTS
        dataset = ClipDataset(
            self.train,
            self.vocabulary,
            self.contract,
            config.data.batch_size,
            training=True,
            options=ClipOptions(
                config.augmentation if keypoints else config.video_augmentation,
                seed=config.training.seed,
                max_frames=config.data.max_frames,
                ctc_epochs=ctc_epochs(config),
                segments=segments(config),
                steps=steps,
                stream=config.data.stream,
                composition=composition if composition.fraction else None,
                spans=bool(composition.fraction) or any("spans" in s.extra for s in self.train),
            ),
            bucket_boundaries=config.data.buckets,
            replicas=replicas,
        )
        report_infeasible(dataset, self.train, config.training.max_infeasible)
        return dataset

    def evaluation_dataset(
        self, manifest: Manifest | None = None, replicas: int = 1
    ) -> ClipDataset:
        """Evaluation dataset of dev, or of another manifest of the same folder."""
        manifest = self.dev if manifest is None else manifest
        return evaluation_dataset(self.config, manifest, self.vocabulary, self.contract, replicas)


def open_run_data(config: Config, output: Output | None = None) -> RunData:
    """Read and check the splits, the vocabulary and the contract that a recipe names.

    Args:
        config: the recipe.
        output: what each clip must be labelled with: a sequence of "glosses", or exactly one
            "sign". Defaults to the output of the recipe's model.

    Raises:
        UserError: a split is missing or empty; splits share a signer and the recipe forbids
            that; a gloss of the train split is not in the vocabulary; or a clip does not have
            the one gloss that a model of isolated signs needs. Names the sample.
    """
    from slr_keras.models.registry import family_of

    data, family = config.data, family_of(config.model.name)
    rest = config.composition.rest_label
    train, dev = (without_rest(read_split(data, name), rest) for name in (data.train, data.dev))
    if (output or family.output) == "sign":
        require_single_glosses(train)
        require_single_glosses(dev)
        refuse_composition(config)
    check_labelled(train)
    vocabulary = _vocabulary(data, train)
    for sample in train:
        vocabulary.encode(sample.glosses, where=train.where(sample))
    require_references(dev, data.scoring)
    if data.stream == RGB:
        for split in (train, dev):
            require_files(split, family.modality)
    check_unknown_glosses(data, dev, vocabulary)
    splits = {data.train: train, data.dev: dev}
    if data.test and (Path(data.folder) / f"{data.test}.jsonl").is_file():
        splits[data.test] = read_split(data, data.test)
    if data.train_on_dev:
        train = splits[data.train] = joined(train, splits.pop(data.dev))
    if data.unseen_signers:
        check_signers(splits)
    return RunData(config, train, dev, vocabulary, contract_of(train, family.modality))


def read_split(config: DataConfig, split: str) -> Manifest:
    """Read one split of the data folder.

    Raises:
        UserError: the folder or the split does not exist, or the split is empty; lists the splits
            of the folder.
    """
    path = split_path(config, split)
    manifest = read_manifest(path)
    if not len(manifest):
        raise UserError(f"{path}: the split has no clips")
    return manifest


def contract_of(manifest: Manifest, modality: Modality) -> Contract:
    """The keypoint contract or the frame contract of a manifest's folder.

    Raises:
        UserError: the folder has no such contract.
    """
    return manifest.contract if modality == KEYPOINTS else manifest.frame_contract


def evaluation_dataset(
    config: Config,
    manifest: Manifest,
    vocabulary: Vocabulary,
    contract: Contract,
    replicas: int = 1,
    fps: float | None = None,
) -> ClipDataset:
    """Dataset of a split for scoring: every clip once, sorted by length.

    Args:
        config: recipe of the run.
        manifest: the split.
        vocabulary: vocabulary of the run; other glosses become <unk>.
        contract: contract of the split's folder.
        replicas: see `ClipDataset`.
        fps: frames per second of the model's input; None: the rate of the contract.
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


def ctc_epochs(config: Config) -> int | None:
    """Number of initial epochs that train with CTC; None if all do.

    The loss determines how many frames a clip needs: CTC needs a blank step between two equal
    glosses, a conditional gloss decoder does not (docs/papers/c2st.md §5.1).

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
    """How a recipe samples a fixed number of frames from every clip; None if it uses all frames.

    >>> from slr_keras.config import parse_config
    >>> from slr_keras.training.data import segments
    >>> [segments(parse_config({"data": {"folder": "a", "clip_frames": n}})) for n in (16, 0)]
    [Segments(count=16, rule='segments'), None]

    Raises:
        UserError: the number of frames is not a multiple of 4.
    """
    from slr_keras.models.registry import list_models, preset_options

    frames = config.data.clip_frames
    if frames is None:
        name = config.model.name
        preset = preset_options(name) if name in list_models() else {}
        options = {**preset, **config.model.options}
        frames = options.get("clip_frames", 0)
    return Segments(frames, config.data.clip_sampling) if frames else None


def _vocabulary(config: DataConfig, train: Manifest) -> Vocabulary:
    beside = Path(config.folder) / "vocabulary.txt"
    if config.vocabulary:
        return Vocabulary.read(config.vocabulary)
    if beside.is_file():
        return Vocabulary.read(beside)
    return Vocabulary.from_samples(train)
