"""Run a bundle's files on an emulated ARM64 processor and compare with this machine."""

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from slr_keras.utils.command import positive, run
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    from slr_keras.bundle.bundle import Bundle
    from slr_keras.bundle.interpreter import Launcher

EXAMPLE = """\
The clips are the bundle's golden ones (simulated signing) and, with --data, those of a split. The
runtime is the last LiteRT that runs rightly under qemu; the first run makes an ARM64 system of
Debian's packages in a folder that is kept (140 MB). Exit code 1: a best class or gloss differs.

examples:
  python -m export.arm runs/demo/tflite
  python -m export.arm runs/demo/tflite --data data/demo --split test --clips 50 --to arm.json
"""


@dataclass
class Comparison:
    """What differs between two machines over some clips.

    Attributes:
        clips, steps: compared.
        steps_equal: of these, steps with the same best class.
        clips_equal: clips with the same glosses.
        largest: difference of two log-probabilities of classes that either finds likely.
    """

    clips: int = 0
    steps: int = 0
    steps_equal: int = 0
    clips_equal: int = 0
    largest: float = 0.0

    #: Log-probabilities below it are not compared: that of a class that never is means nothing.
    likely = -10.0

    def add(self, here: np.ndarray, there: np.ndarray, same_glosses: bool) -> None:
        """Count one clip, `(steps, classes)` of log-probabilities from each machine.

        >>> import numpy as np
        >>> from export.arm import Comparison
        >>> comparison = Comparison()
        >>> comparison.add(np.log([[0.6, 0.4]]), np.log([[0.5, 0.5 + 1e-9]]), True)
        >>> comparison.steps_equal, comparison.same
        (0, False)
        """
        self.clips += 1
        self.steps += len(here)
        self.steps_equal += int((here.argmax(-1) == there.argmax(-1)).sum())
        self.clips_equal += same_glosses
        seen = np.maximum(here, there) > self.likely
        self.largest = max(self.largest, float(np.abs(here - there)[seen].max(initial=0)))

    @property
    def same(self) -> bool:
        """Whether both machines read the same."""
        return self.steps == self.steps_equal and self.clips == self.clips_equal


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    from export.lite.emulation import (
        CPUS,
        RUNTIME,
        arm_launcher,
        host,
    )
    from slr_keras.bundle.bundle import Bundle
    from slr_keras.utils.files import write_json

    bundle = Bundle.load(options.bundle)
    clips = dict(clips_of(bundle, options))
    root = Path(options.root) if options.root else None
    rows = []
    print(f"{bundle.path}: {len(clips)} clips, this machine is {host()}, runtime {RUNTIME} there")
    print(
        f"{'cpu':<12}{'precision':<10}{'steps':>7}{'best equal':>12}{'glosses':>10}{'largest':>11}"
    )
    for cpu in options.cpu or CPUS:
        launcher = arm_launcher(cpu, root)
        for precision in options.precision or bundle.precisions:
            found = compare(bundle, precision, clips, launcher)
            row = {"cpu": cpu, "precision": precision, **vars(found), "same": found.same}
            rows.append(row)
            print(
                f"{cpu:<12}{precision:<10}{found.steps:>7}{found.steps_equal:>12}"
                f"{found.clips_equal:>10}{found.largest:>11.1e}",
                flush=True,
            )
    if options.to:
        write_json(options.to, {"bundle": str(bundle.path), "runtime": RUNTIME, "rows": rows})
    differing = [row for row in rows if not row["same"]]
    for row in differing:
        print(
            f"{row['cpu']}, {row['precision']}: {row['steps'] - row['steps_equal']} steps and "
            f"{row['clips'] - row['clips_equal']} clips are read differently",
            file=sys.stderr,
        )
    return 1 if differing else 0


def compare(
    bundle: "Bundle", precision: str, clips: Mapping[str, np.ndarray], launcher: "Launcher"
) -> Comparison:
    """Recognise clips here and there with one precision of a bundle.

    Args:
        bundle: to run.
        precision: of its files.
        clips: raw keypoints by name, at the contract's frame rate.
        launcher: of the other machine's runtime.

    Raises:
        UserError: the runtime fails there.
    """
    from slr_keras.bundle.scorer import bundle_recogniser

    comparison = Comparison()
    with (
        bundle_recogniser(bundle, precision) as here,
        bundle_recogniser(bundle, precision, launcher=launcher) as there,
    ):
        for clip in clips.values():
            scores = [machine.scores(clip) for machine in (here, there)]
            glosses = [machine.decode(found).ids for machine, found in zip((here, there), scores)]
            comparison.add(*scores, glosses[0] == glosses[1])
    return comparison


def clips_of(bundle: "Bundle", options: argparse.Namespace) -> Iterator[tuple[str, np.ndarray]]:
    """The golden clips, and those of a data folder's split.

    Raises:
        UserError: there is no such split, or its points are not the bundle's.
    """
    from slr_keras.bundle.bundle import GOLDEN_ARRAYS

    with np.load(bundle.path / GOLDEN_ARRAYS, allow_pickle=False) as arrays:
        for name in arrays.files:
            clip, _, part = name.rpartition("/")
            if part == "keypoints":
                yield f"golden {clip}", arrays[name]
    if not options.data:
        return
    from slr_keras.bundle.scorer import RawPreparation
    from slr_keras.data.manifest import read_manifest

    manifest = read_manifest(Path(options.data) / f"{options.split}.jsonl")
    bundle.contract.require_compatible(manifest.contract, f"{bundle.path}", f"{options.data}")
    if manifest.contract.source != bundle.contract.source:
        raise UserError(f"{options.data}: its layout is not the bundle's")
    preparation = RawPreparation(bundle.contract)
    for row in range(min(options.clips, len(manifest))):
        frames = preparation.prepared(manifest.load(row), manifest.rate(row))
        yield manifest[row].id, np.stack(list(frames))


def build_parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(
        prog="python -m export.arm",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("bundle", metavar="BUNDLE", help="folder that `export.tflite` wrote")
    add("--precision", nargs="+", metavar="PRECISION", help="of its files (all)")
    add("--cpu", nargs="+", metavar="NAME", help="as qemu calls them (cortex-a53 cortex-a76)")
    add("--data", metavar="FOLDER", help="also compare on clips of a data folder")
    add("--split", default="test", help="of the data folder (test)")
    add("--clips", type=positive, default=20, metavar="N", help="of the split, at most (20)")
    add("--root", metavar="DIR", help="where the ARM64 system is kept (the user's cache)")
    add("--to", metavar="FILE", help="also write the table as JSON")
    return parser


if __name__ == "__main__":
    run(main)
