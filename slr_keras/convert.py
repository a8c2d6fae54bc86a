"""Convert ImageNet weights of torchvision, timm or Hugging Face for a backbone."""

import argparse
import json
from typing import TYPE_CHECKING

from slr_keras.command import run

if TYPE_CHECKING:
    from slr_keras.weights import WeightsRecord


def build_parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(
        prog="python -m slr_keras.convert",
        description=(
            "Read a local .pth or .safetensors checkpoint (nothing in it is executed), check that "
            "it fills every weight of a backbone, and write it in our own format."
        ),
        epilog=(
            "example: python -m slr_keras.convert swin_t-704ceda3.pth --backbone swin_t "
            "--to swin_t.safetensors"
        ),
    )
    parser.add_argument("source", help="the checkpoint")
    parser.add_argument("--backbone", required=True, help="its architecture, such as swin_t")
    parser.add_argument("--to", required=True, help="the .safetensors file to write")
    parser.add_argument("--json", action="store_true", help="print the record instead of a table")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    options = build_parser().parse_args(arguments)
    from pathlib import Path

    from slr_keras.errors import UserError
    from slr_keras.models.backbones import make_backbone
    from slr_keras.weights import load_backbone_weights, save_backbone_weights

    target = Path(options.to)
    if target.suffix != ".safetensors":
        raise UserError(f"--to {options.to}: the format is safetensors; name a .safetensors file")
    if target.exists() and target.samefile(options.source):
        raise UserError(f"--to {options.to}: that is the source itself; name another file")
    backbone = make_backbone(options.backbone)
    record = load_backbone_weights(backbone, options.source)
    save_backbone_weights(backbone, target, record)
    print(json.dumps(record.as_json(), indent=2) if options.json else table(record))
    return 0


def table(record: "WeightsRecord") -> str:
    """The record as aligned text, one line per module.

    >>> from slr_keras.convert import table
    >>> from slr_keras.weights import WeightsRecord
    >>> names = {"stem/kernel": ("conv1.weight",)}
    >>> record = WeightsRecord("net", "a.pth", "0f", "timm", 1, 9, names, ("fc.bias",))
    >>> print(table(record))
    module  weights  from
    stem          1  conv1.weight
    1 weights, 9 numbers from a.pth (names of timm)
    sha256 0f
    left over: fc.bias
    """
    modules: dict[str, list[str]] = {}
    for name, sources in record.sources.items():
        modules.setdefault(name.partition("/")[0], []).extend(sources)
    rows = [("module", "weights", "from")]
    for module, sources in modules.items():
        more = f" and {len(sources) - 1} more" if len(sources) > 1 else ""
        rows.append((module, str(len(sources)), sources[0] + more))
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    lines = [f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c}" for a, b, c in rows]
    lines.append(
        f"{record.weights} weights, {record.numbers:,} numbers from {record.file} "
        f"(names of {record.library})"
    )
    lines.append(f"sha256 {record.sha256}")
    lines.append(f"left over: {', '.join(record.left_over) or 'nothing'}")
    return "\n".join(lines)


if __name__ == "__main__":
    run(main)
