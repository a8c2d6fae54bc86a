"""Compose a data folder: isolated signs to train on, and fixed sentences for dev and test."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from slr_keras.data.composition.common_units import CommonUnits
from slr_keras.data.composition.config import ORDERS, CompositionConfig
from slr_keras.data.composition.grammar import read_grammar
from slr_keras.data.composition.plan import Planner, SentencePlan
from slr_keras.data.composition.pool import ClipPool, moving_points, pool_clip, require_signs
from slr_keras.data.composition.rendering import render
from slr_keras.data.composition.rest import without_rest
from slr_keras.data.composition.units import group_of, unit_frames, units_of
from slr_keras.data.contract import KeypointContract
from slr_keras.data.datasets.base import Option
from slr_keras.data.datasets.passing_over import PassedOver
from slr_keras.data.datasets.prepare import RECORD, REST_SPLIT, replacing
from slr_keras.data.manifest import Manifest, read_folder
from slr_keras.data.times import clip_indices
from slr_keras.data.writer import FolderWriter
from slr_keras.utils.errors import UserError
from slr_keras.utils.failures import ERRORS
from slr_keras.utils.files import write_json

# Longest composed clip in seconds, and the length of a clip of rest.
_LONGEST, _REST = 30, 8


def compose_options() -> tuple[Option, ...]:
    """Options of `prepare compose`, with the defaults of `CompositionConfig`."""
    default = CompositionConfig()
    return (
        Option("sentences", 200, "sentences of dev and of test"),
        Option("words", (2, 6), "least and most signs of a sentence"),
        Option("speed", default.speed, "range of the speed of a sentence; 1: as recorded"),
        Option("order", default.order, "order of the signs; all but random need a grammar", ORDERS),
        Option("grammar", "", "file of gloss sequences, one per line"),
        Option("rest_label", "", "gloss that means no sign"),
        Option("rest_minutes", 3.0, "length of the split rest"),
        Option("without", (), "glosses that are left out"),
        Option("lower_case", False, "write glosses in lower case, so that the folders share them"),
        Option("seed", 0, "seed of all random choices"),
    )


@dataclass(frozen=True)
class _Clip:
    """A sign or rest of a source folder, in common units."""

    id: str
    gloss: str
    signer: str
    group: str
    keypoints: np.ndarray


def compose_folder(
    sources: Sequence[Path],
    folder: Path,
    config: CompositionConfig,
    sentences: int = 200,
    rest_minutes: float = 3.0,
    without: Collection[str] = (),
    lower_case: bool = False,
    fps: float | None = None,
    seed: int = 0,
    force: bool = False,
) -> None:
    """Write a data folder whose dev and test are sentences composed of isolated signs.

    `train` holds the isolated signs of the sources' `train`, for composition during training.
    Sentences of `dev` and `test` are made of clips of the same split only, so recordings that the
    sources keep apart stay apart. The manifest names the `spans`, the `clips` and the `group`
    (source and signer) of a sentence. Clips of rest have no glosses and the key `rest`. If test has
    any, the split `rest` is composed of them and has no signs.

    Args:
        sources: data folders of isolated signs, of one layout.
        folder: data folder to write; its contract is that of the first source.
        config: how sentences are composed.
        sentences: number of sentences of dev and of test.
        rest_minutes: length of the split `rest`.
        without: glosses whose clips are left out.
        lower_case: whether glosses are written in lower case, so that the sources share them.
        fps: frames per second of all clips; None: the rate of the first source.
        seed: of all random choices.
        force: replaces a data set in the folder.

    Raises:
        UserError: the folder is occupied, the sources do not fit together, no sentence can be
            composed of a split, or no clip of train can be read. Another clip that cannot be read
            is passed over.
    """
    splits = {source: read_folder(source) for source in sources}
    first = next(iter(splits[sources[0]].values())).contract
    contract = first if fps is None else KeypointContract.from_json({**first.to_json(), "fps": fps})
    units = CommonUnits(contract, moving_points(contract))
    names, passed = _names(sources), PassedOver()
    for source in sources[1:]:
        other = next(iter(splits[source].values())).contract
        units.require(other, str(sources[0]), str(source))

    def clips_of(split: str) -> Iterator[_Clip]:
        for source in sources:
            if split in splits[source]:
                manifest = without_rest(splits[source][split], config.rest_label)
                yield from _clips(manifest, names[source], units, without, lower_case, passed)

    settings = _record(sources, config, sentences, rest_minutes, without, lower_case, fps, seed)
    with replacing(folder, force) as fresh:
        with FolderWriter(fresh, contract, further_splits=(REST_SPLIT,)) as writer:
            for clip in clips_of("train"):
                keypoints = units.raw(clip.keypoints)
                glosses = [clip.gloss] if clip.gloss else []
                writer.add(
                    "train",
                    id=clip.id,
                    glosses=glosses,
                    keypoints=keypoints,
                    signer=clip.signer,
                    group=clip.group,
                    **({} if clip.gloss else {"rest": True}),
                )
            for number, split in enumerate(("dev", "test")):
                clips = list(clips_of(split))
                if clips:
                    composer = _Composer(clips, units, config, str(folder / split))
                    composer.write_sentences(writer, split, sentences, [seed, number])
                if clips and split == "test":
                    composer.write_rest(writer, rest_minutes, [seed, number + 1])
            passed.require_some()
            # Sentences are composed of the clips that are left: none is missing.
            passed.failures.unique().write(writer.path(ERRORS))
        write_json(fresh / RECORD, {"dataset": "compose", "options": settings})


class _Composer:
    """Composes clips of one split, in common units."""

    def __init__(
        self, clips: Sequence[_Clip], units: CommonUnits, config: CompositionConfig, where: str
    ):
        self.clips, self.units = clips, units
        self.fps = units.contract.fps
        described = [
            pool_clip(
                clip.id,
                clip.gloss,
                clip.group,
                clip.keypoints,
                units.hands,
                units.root,
                units.unit,
            )
            for clip in clips
        ]
        self.pool = ClipPool(described, lambda row: clips[row].keypoints)
        require_signs(self.pool, where)
        grammar = read_grammar(config.grammar) if config.grammar else ()
        if config.order != "random" and not grammar:
            raise UserError(f"--order {config.order} needs sentences; name a file with --grammar")
        longest = round(_LONGEST * self.fps)
        self.planner = Planner(self.pool, config, self.fps, longest, grammar, multiple=1)
        self.config = config

    def write_sentences(
        self, writer: FolderWriter, split: str, count: int, seed: Sequence[int]
    ) -> None:
        """Write the sentences of a split."""
        for number in range(count):
            plan = self.planner.draw(np.random.default_rng([*seed, number]))
            self._write(writer, split, number, plan)

    def write_rest(self, writer: FolderWriter, minutes: float, seed: Sequence[int]) -> None:
        """Write clips of rest of about eight seconds, if there are recordings of rest."""
        resting = [group for group in self.pool.groups.values() if group.rests]
        left, number = round(60 * minutes * self.fps), 0
        while resting and left > 0:
            group = resting[number % len(resting)]
            length = min(round(_REST * self.fps), max(left, 1))
            planner = Planner(self.pool, self._still(), self.fps, length, multiple=1)
            shortest = min(self.pool.clips[row].frames for row in group.rests)
            rng = np.random.default_rng([*seed, number])
            plan = planner.silent(rng, group, 2 * length // shortest + 1)
            self._write(writer, REST_SPLIT, number, plan)
            left -= plan.frames
            number += 1

    def _still(self) -> CompositionConfig:
        """The options of the split of rest, which no grammar restricts."""
        return replace(self.config, order="random", words=(1, 1))

    def _write(self, writer: FolderWriter, split: str, number: int, plan: SentencePlan) -> None:
        clips = [self.clips[part.row] for part in plan.parts]
        signs = [self.clips[row].id for row, _, _ in plan.signs]
        writer.add(
            split,
            id=f"{split}-{number:04d}",
            glosses=plan.glosses,
            keypoints=self.units.raw(render(plan, self.pool)),
            signer=clips[0].signer,
            group=clips[0].group,
            spans=[list(span) for span in plan.spans],
            clips=signs or [clip.id for clip in clips],
            **({} if signs else {"rest": True}),
        )


def _clips(
    manifest: Manifest,
    source: str,
    units: CommonUnits,
    without: Collection[str],
    lower_case: bool,
    passed: PassedOver,
) -> Iterator[_Clip]:
    for number, unit in enumerate(units_of(manifest)):
        if unit.gloss in without:
            continue
        sample = manifest[unit.row]
        frames = clip_indices(sample, manifest.rate(sample), units.contract.fps)
        keypoints = None
        with passed.reading(sample.split, manifest.where(sample)):
            keypoints = units.converted(manifest.load(unit.row)[frames], manifest.contract)
        if keypoints is None:
            continue
        chosen = unit_frames(unit, frames)
        start = np.searchsorted(frames, chosen[0])
        name = sample.id if len(sample.glosses) < 2 else f"{sample.id}-{number}"
        group = group_of(sample)
        yield _Clip(
            id=f"{source}-{name}" if source else name,
            gloss=unit.gloss.lower() if lower_case else unit.gloss,
            signer=sample.signer,
            group="/".join(name for name in (source, group) if name),
            keypoints=keypoints[start : start + len(chosen)],
        )


def _names(sources: Sequence[Path]) -> dict[Path, str]:
    """Names of the sources in ids and groups; one source needs none."""
    if len(sources) == 1:
        return {sources[0]: ""}
    names = {source: source.resolve().name for source in sources}
    if len(set(names.values())) < len(sources):
        raise UserError(
            f"{', '.join(map(str, sources))}: give each folder once, with a name of its own"
        )
    return names


def _record(
    sources: Sequence[Path], config: CompositionConfig, *settings: Any
) -> Mapping[str, Any]:
    names = ("sentences", "rest_minutes", "without", "lower_case", "fps", "seed")
    values = {name: list(v) if name == "without" else v for name, v in zip(names, settings)}
    return {"folders": [str(source) for source in sources], **values, "composition": asdict(config)}
