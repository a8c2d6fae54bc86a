"""Fit the sign encoder to data folders, and write its preset."""

import dataclasses
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from export.lite.conversion import convert
from export.presets.facts import EncoderFacts
from export.presets.few_shot import Vectors, compared
from slr_keras.config import load_config
from slr_keras.config.recipes import find_recipe
from slr_keras.data.augmentation import AugmentationConfig
from slr_keras.data.contract import KeypointContract
from slr_keras.data.distortion import augmented_clips
from slr_keras.data.keypoints import mirror
from slr_keras.data.manifest import read_folder
from slr_keras.data.skeleton import Skeleton
from slr_keras.enrolment import encoder as layout
from slr_keras.models.inputs import FLOAT_SCOPE
from slr_keras.models.presets import save_preset_model
from slr_keras.models.sign_encoder import SignEncoderModel, fit_whitening
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import sha256, write_json, write_text
from slr_keras.utils.published_folder import published_folder, require_no_file

if TYPE_CHECKING:
    import tensorflow as tf

BATCH = 64
# Clips of each sign among the background.
BACKGROUND_CLIPS = 3


@dataclass(frozen=True)
class EncoderPlan:
    """Sizes of an encoder.

    Attributes:
        dimension: components of a vector.
        naming_components: leading components that name a sign.
        frames: frames that the files take.
        copies: augmented copies of each clip and of its mirror image in the fit.
        shrinkage: of the covariance within signs, see `fit_whitening`.
        precisions: of the files.
    """

    dimension: int = 192
    naming_components: int = 128
    frames: int = 128
    copies: int = 4
    shrinkage: float = 0.2
    precisions: tuple[str, ...] = ("fp32", "int8")


@dataclass(frozen=True)
class Signs:
    """Prepared clips of one sign each.

    Attributes:
        contract: by which they are prepared.
        clips: `(frames, points, channels)` each.
        labels: sign of each clip; signs of two folders have different labels.
        signers: signer, or session, of each clip.
    """

    contract: KeypointContract
    clips: Sequence[np.ndarray]
    labels: Sequence[str]
    signers: Sequence[str]


def read_signs(folders: Sequence[str | Path]) -> Signs:
    """Read all clips of data folders.

    Raises:
        UserError: a folder cannot be read, holds sentences, or has another contract.
    """
    clips, labels, signers, contract = [], [], [], None
    for number, folder in enumerate(folders):
        for manifest in read_folder(folder).values():
            contract = contract or manifest.contract
            contract.require_compatible(manifest.contract, str(folders[0]), str(folder))
            for row, sample in enumerate(manifest):
                if len(sample.glosses) != 1:
                    raise UserError(
                        f"{manifest.where(row)}: the clip has {len(sample.glosses)} glosses; an "
                        "encoder is fitted to clips of one sign"
                    )
                clips.append(np.float32(contract.prepare(manifest.load(row))))
                labels.append(f"{number}/{sample.glosses[0]}")
                signers.append(sample.signer)
    if contract is None or len(set(labels)) < 2:
        raise UserError("an encoder needs clips of at least two signs; name other data folders")
    return Signs(contract, clips, labels, signers)


def fit_encoder(signs: Signs, plan: EncoderPlan, config: AugmentationConfig) -> SignEncoderModel:
    """Fit the encoder: statistics of the features, then the whitening.

    A mirrored clip has a label of its own. Augmented copies widen the covariance within a sign:
    directions in which cameras, bodies and speeds differ count less.

    Args:
        signs: the clips.
        plan: sizes.
        config: augmentation of the copies; its `mirror` does not count.
    """
    contract, skeleton = signs.contract, Skeleton.of(signs.contract)
    model = SignEncoderModel(
        plan.dimension, len(contract.points), len(contract.channels), skeleton=skeleton.for_model()
    )
    sides = [list(signs.clips), [mirror(clip, contract.mirror) for clip in signs.clips]]
    model.adapt(batch for clips in sides for batch in _batches(clips))
    # Files with weights of 16 bits then hold the same numbers as Keras.
    for statistic in model.input_layer.weights:
        statistic.assign(np.float16(statistic.numpy()))
    config = dataclasses.replace(config, mirror=0.0)
    features, labels, centred = [], [], []
    for side, clips in enumerate(sides):
        for copy in range(plan.copies + 1):
            batches = _batches(clips) if copy == 0 else _copies(clips, copy, side, config, skeleton)
            features += [np.asarray(model.averages(batch)) for batch in batches]
            labels += [f"{label}/{side}" for label in signs.labels]
            centred += [copy == 0] * len(clips)
    joined = np.concatenate(features)
    if plan.dimension > joined.shape[1]:
        raise UserError(
            f"--dimension {plan.dimension}: the clips have {joined.shape[1]} features; choose less"
        )
    fitted = fit_whitening(joined, labels, np.array(centred), plan.dimension, plan.shrinkage)
    matrix, offset = (np.float16(x).astype(np.float32) for x in (fitted.matrix, fitted.offset))
    model.set_whitening(dataclasses.replace(fitted, matrix=matrix, offset=offset))
    return model


def score_encoder(
    folders: Sequence[str | Path], unseen: str | Path, support: str, recipe: str, plan: EncoderPlan
) -> str:
    """Fit an encoder, and name the signs of a folder that it was not fitted to.

    Args:
        folders: data folders of the fit.
        unseen: data folder of the examples and the queries.
        support: signer (or session) of the examples; empty: any.
        recipe: whose augmentation is used.
        plan: sizes.

    Returns:
        A table: the encoder by its naming components, one without the fit, and raw averages.
    """
    signs, others = read_signs(folders), read_signs([unseen])
    signs.contract.require_compatible(others.contract, str(folders[0]), str(unseen))
    model = fit_encoder(signs, plan, load_config(find_recipe(recipe)).augmentation)
    turned = [mirror(clip, signs.contract.mirror) for clip in others.clips]
    averages = [
        np.concatenate([np.asarray(model.averages(batch)) for batch in _batches(clips)])
        for clips in (others.clips, turned)
    ]
    matrix = np.random.default_rng(0).normal(size=(averages[0].shape[1], plan.naming_components))

    def fitted() -> Vectors:
        kernel, bias = (np.float64(v.numpy()) for v in (model.linear.kernel, model.linear.bias))
        one, two = ((x @ kernel + bias)[:, : plan.naming_components] for x in averages)
        return one, two

    systems: dict[str, Callable[[], Vectors]] = {
        "encoder": fitted,
        "random projection": lambda: (averages[0] @ matrix, averages[1] @ matrix),
        "raw averages": lambda: (averages[0], averages[1]),
    }
    return compared(systems, others.labels, others.signers, support)


def background(model: SignEncoderModel, signs: Signs) -> np.ndarray:
    """Vectors `(clips, dimension)` of a few clips of each sign; a mean would be near to all."""
    labels, rows = np.asarray(signs.labels), []
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        rows += list(own[np.linspace(0, len(own) - 1, BACKGROUND_CLIPS).round().astype(int)])
    clips = [signs.clips[row] for row in rows]
    return np.concatenate([model(batch)["vector"] for batch in _batches(clips)])


def build_encoder(
    folders: Sequence[str | Path],
    facts: EncoderFacts,
    plan: EncoderPlan,
    to: Path,
    report: Callable[[str], None] = lambda text: None,
) -> Path:
    """Fit an encoder and write its folder: Keras weights, TFLite files, card and NOTICE.

    Raises:
        UserError: the data cannot be read, or the folder holds something else.
    """
    require_no_file(to, "name a folder")
    if to.is_dir() and any(to.iterdir()) and not (to / layout.DESCRIPTION).is_file():
        raise UserError(f"{to}: is no sign encoder and not empty; name another folder")
    config = load_config(find_recipe(facts.recipe)).augmentation
    report("reading clips")
    signs = read_signs(folders)
    report(f"fitting to {len(signs.clips)} clips of {len(set(signs.labels))} signs")
    model = fit_encoder(signs, plan, config)
    with published_folder(to) as new:
        save_preset_model(model, new)
        signs.contract.write(new / layout.CONTRACT)
        np.save(new / layout.BACKGROUND, background(model, signs))
        for precision in plan.precisions:
            report(f"converting to {precision}")
            (new / layout.file_name(precision)).write_bytes(
                converted(model, signs, precision, plan.frames)
            )
        write_text(new / "NOTICE", facts.notice())
        write_text(new / "CARD.md", facts.card(plan.dimension, len(signs.clips)))
        write_json(new / layout.DESCRIPTION, _description(new, facts, plan, model, signs.contract))
    return to


def converted(model: SignEncoderModel, signs: Signs, precision: str, frames: int) -> bytes:
    """The TFLite file of a model for clips of up to `frames` frames."""
    import tensorflow as tf

    shape = (1, frames, len(signs.contract.points), len(signs.contract.channels))
    specs = [tf.TensorSpec(shape, name="keypoints"), tf.TensorSpec((1, frames), name="mask")]

    @tf.function(input_signature=specs, autograph=False)
    def function(keypoints: "tf.Tensor", mask: "tf.Tensor") -> dict[str, "tf.Tensor"]:
        return model({"keypoints": keypoints, "mask": mask}, training=False)

    def examples() -> Iterator[dict[str, np.ndarray]]:
        for clip in signs.clips[:: max(1, len(signs.clips) // 200)]:
            padded = np.zeros(shape, np.float32)
            padded[0, : len(clip)] = clip[:frames]
            yield {"keypoints": padded, "mask": np.float32(np.arange(frames) < len(clip))[None]}

    return convert(function, precision, examples, (FLOAT_SCOPE,))


def _batches(clips: Sequence[np.ndarray]) -> Iterator[dict[str, np.ndarray]]:
    for first in range(0, len(clips), BATCH):
        part = clips[first : first + BATCH]
        longest = max(map(len, part))
        keypoints = np.zeros((len(part), longest, *part[0].shape[1:]), np.float32)
        for row, clip in enumerate(part):
            keypoints[row, : len(clip)] = clip
        lengths = np.array([len(clip) for clip in part])
        yield {"keypoints": keypoints, "mask": np.float32(np.arange(longest) < lengths[:, None])}


def _copies(
    clips: Sequence[np.ndarray],
    copy: int,
    side: int,
    config: AugmentationConfig,
    skeleton: Skeleton,
) -> Iterator[dict[str, np.ndarray]]:
    """Batches of augmented copies, in the order of the clips."""
    for first in range(0, len(clips), BATCH):
        part = clips[first : first + BATCH]
        lengths = np.array([len(clip) for clip in part])
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        drawn = [np.random.default_rng((first + row, copy, side)) for row in range(len(part))]
        found, _ = augmented_clips(
            np.concatenate(part), starts, lengths, lengths.max(), drawn, config, skeleton
        )
        yield {"keypoints": found, "mask": np.ones(found.shape[:2], np.float32)}


def _description(
    folder: Path,
    facts: EncoderFacts,
    plan: EncoderPlan,
    model: SignEncoderModel,
    contract: KeypointContract,
) -> dict[str, Any]:
    weights = hashlib.sha256(contract.digest.encode())
    for variable in model.weights:
        weights.update(np.ascontiguousarray(variable.numpy()).tobytes())
    files = sorted(path for path in folder.iterdir() if path.name != layout.DESCRIPTION)
    return {
        "format": layout.FORMAT,
        "version": layout.VERSION,
        "name": facts.name,
        "title": facts.title,
        "licence": facts.licence,
        "dimension": plan.dimension,
        "naming_components": plan.naming_components,
        "frames": plan.frames,
        "precisions": " ".join(plan.precisions),
        "digest": weights.hexdigest(),
        "files": {
            path.name: {"bytes": path.stat().st_size, "sha256": sha256(path)} for path in files
        },
    }
