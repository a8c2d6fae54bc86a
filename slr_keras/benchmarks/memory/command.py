"""`benchmark memory`: what batch of a recipe fits on which card."""

import argparse
import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

from slr_keras.utils.command import positive
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    from slr_keras.benchmarks.memory.training import StepMemory
    from slr_keras.config import Config
    from slr_keras.training.model import Contract

EXAMPLE = """example:
  python -m slr_keras.benchmark memory configs/ustm_phoenix14.yaml --frames 140 232 --batch 1 2
  python -m slr_keras.benchmark memory configs/ustm_phoenix14.yaml --set model.name=ustm_t \\
      --set model.options.recompute=false --precision float32 mixed_bfloat16

No GPU is needed, nor data: the training step is traced at its full size and run with shapes in
place of numbers, one operation after the other, loops included. That counts what TensorFlow's
tensors take. It cannot know what the allocator loses between them, the workspaces of cuDNN and
cuBLAS, what runs at the same time, and what is fused. Small steps on a CPU took up to 1.92 times
what was told (RESULTS.md), so `with margin` is twice the peak. No GPU has confirmed it. A card of
80 GB is taken to have 80e9 bytes for tensors. All clips of the batch are equally long.
"""

# Of what a dry run does not count.
MARGIN = 2.0
GIGA = 10**9
# PHOENIX-2014's, where the recipe's data folder is not there.
CLASSES = 1296
GLOSSES = 8
SIZE = (224, 224)


def main(arguments: list[str]) -> int:
    """Run `benchmark memory`; returns the exit code."""
    options = _parse(arguments)
    from slr_keras.benchmarks.memory.training import TracedStep
    from slr_keras.config import load_config, override

    if not Path(options.recipe).is_file():
        raise UserError(f"{options.recipe}: no such recipe; give the path of a .yaml file")
    config = load_config(options.recipe, options.set)
    contract = _contract(config, options.size)
    classes = options.classes or _classes(config)
    frames = options.frames or [_longest(config)]
    clips = options.batch or [config.data.batch_size]
    reports = []
    for precision in options.precision or [config.training.precision]:
        chosen = override(config, [f"training.precision={precision}"])
        step = TracedStep(chosen, contract, classes)
        found = [step.measure(c, f, min(options.glosses, f // 4)) for f in frames for c in clips]
        about = {
            "model": config.model.name,
            "options": dict(config.model.options),
            "precision": precision,
            "accumulate": config.training.accumulate,
            "classes": classes,
            "frame": list(step.frame.shape),
        }
        reports.append(about | {"batches": [_record(memory, options.card) for memory in found]})
        if not options.json:
            print(table(about, found, options.card), end="\n\n")
    if options.json:
        print(json.dumps(reports, indent=2))
    return 0


def with_margin(memory: "StepMemory") -> float:
    """Bytes that a card should have for a step."""
    return MARGIN * memory.peak


def table(about: dict, memories: list["StepMemory"], cards: list[int]) -> str:
    """The memory of some batches for a person to read; gigabytes are 10^9 bytes.

    >>> from slr_keras.benchmarks.memory.command import table
    >>> from slr_keras.benchmarks.memory.training import StepMemory
    >>> memory = StepMemory(2, 300, 20 * 10**9, 10**9, 2 * 10**9, 0, 14 * 10**9, 3 * 10**9, 10**10)
    >>> about = {"model": "ustm_b", "options": {}, "precision": "float32", "classes": 9}
    >>> about |= {"frame": [224, 224, 3], "accumulate": 1}
    >>> table(about, [memory], [24]).splitlines()[-1].split()[-4:]
    ['10.00', '20.00', '40.00', 'no']
    """
    names = ("weights", "optimiser", "batch", "activations", "gradients", "kept", "peak")
    shape = " x ".join(str(size) for size in about["frame"])
    options = ", ".join(f"{name} {value}" for name, value in about["options"].items())
    lines = [
        f"{about['model']}, {options or 'no options'}, {about['precision']}, frames of {shape}, "
        f"{about['classes']} classes; GB",
        f"{'clips':>5}{'frames':>8}"
        + "".join(f"{name:>{_width(name)}}" for name in (*names, "with margin"))
        + "".join(f"{f'{card} GB':>7}" for card in cards),
    ]
    for memory in memories:
        sizes = [getattr(memory, name) for name in names] + [with_margin(memory)]
        lines.append(
            f"{memory.clips:>5}{memory.frames:>8}"
            + "".join(
                f"{size / GIGA:>{_width(name)}.2f}"
                for name, size in zip((*names, "with margin"), sizes)
            )
            + "".join(f"{'yes' if fits(memory, card) else 'no':>7}" for card in cards)
        )
    return "\n".join(lines)


def fits(memory: "StepMemory", card: int) -> bool:
    """Whether a step should fit on a card of so many gigabytes."""
    return with_margin(memory) <= card * GIGA


def _width(name: str) -> int:
    return max(len(name), 6) + 2


def _record(memory: "StepMemory", cards: list[int]) -> dict:
    record = dataclasses.asdict(memory) | {"with_margin": round(with_margin(memory))}
    return record | {"fits": {f"{card} GB": fits(memory, card) for card in cards}}


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m slr_keras.benchmark memory",
        description="What memory a recipe's training step takes, and on which card it fits.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("recipe", help="a recipe (.yaml)", metavar="RECIPE")
    parser.add_argument(
        "--frames",
        type=positive,
        nargs="+",
        help="of each clip (default: the longest that training may give)",
    )
    parser.add_argument(
        "--batch", type=positive, nargs="+", help="clips per batch (default: the recipe's)"
    )
    parser.add_argument(
        "--precision",
        nargs="+",
        choices=("float32", "mixed_bfloat16"),
        help="of activations (default: the recipe's)",
    )
    parser.add_argument(
        "--card", type=positive, nargs="+", default=[24, 80], help="gigabytes of cards (24 80)"
    )
    parser.add_argument(
        "--classes",
        type=positive,
        help=f"with the blank (default: those of the data folder, or without it {CLASSES})",
    )
    parser.add_argument(
        "--glosses", type=positive, default=GLOSSES, help=f"of each clip ({GLOSSES})"
    )
    parser.add_argument(
        "--size",
        type=positive,
        nargs=2,
        metavar=("HEIGHT", "WIDTH"),
        help="of frames (default: the data folder's crop, or without it 224 224)",
    )
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    options = parser.parse_args(arguments)
    if options.classes == 1:
        parser.error("--classes: a blank and one gloss make at least 2")
    return options


def _contract(config: "Config", size: list[int] | None) -> "Contract":
    """What the data folder's clips are, or what a corpus' usually are."""
    from slr_keras.data.contract import KeypointContract, contract
    from slr_keras.data.video.contract import FrameContract
    from slr_keras.models.registry import family_of

    video = family_of(config.model.name).modality == "video"
    written = Path(config.data.folder) / ("frames.json" if video else "keypoints.json")
    if not video:
        if size:
            raise UserError(f"--size: {config.model.name} reads keypoints, which have no size")
        if written.is_file():
            return KeypointContract.read(written)
        return contract("coco_wholebody_133")
    if written.is_file() and not size:
        return FrameContract.read(written)
    height, width = size or SIZE
    return FrameContract(size=(width, height))


def _longest(config: "Config") -> int:
    """Frames of the longest clip that training may give."""
    from slr_keras.data.sampling import REDUCTION
    from slr_keras.data.video.augmentation import rescaled_length
    from slr_keras.models.registry import family_of

    most = config.data.max_frames // REDUCTION * REDUCTION
    if family_of(config.model.name).modality == "video" and config.video_augmentation.resamples:
        return rescaled_length(1.0, most, config.video_augmentation, most)
    return most


def _classes(config: "Config") -> int:
    from slr_keras.data.vocabulary import Vocabulary

    written = Path(config.data.vocabulary or Path(config.data.folder) / "vocabulary.txt")
    return len(Vocabulary.read(written)) if written.is_file() else CLASSES
