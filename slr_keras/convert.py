"""Convert published weights of a backbone, or a published checkpoint of a whole model."""

import argparse
import json
from typing import TYPE_CHECKING

from slr_keras.utils.command import run

if TYPE_CHECKING:
    from pathlib import Path

    from slr_keras.weights import WeightsRecord

EXAMPLES = """examples:
  python -m slr_keras.convert swin_t-704ceda3.pth --backbone swin_t --to swin_t.safetensors
  python -m slr_keras.convert TSM_kinetics.pth --backbone tsm_r50 --to tsm_r50.safetensors
  python -m slr_keras.convert best.pt --model ustm_b --vocabulary vocabulary.txt --to b.safetensors
"""


def build_parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(
        prog="python -m slr_keras.convert",
        description=(
            "Read a local .pth or .safetensors checkpoint (nothing in it is executed), check that "
            "it fills every weight of a backbone or model, and write it in our own format: for "
            "model.backbone_weights or model.weights of a recipe."
        ),
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", help="the checkpoint")
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument(
        "--backbone",
        help="weights of torchvision, timm, Hugging Face, TSM or the PyTorch I3D: which backbone",
    )
    kind.add_argument("--model", help="a checkpoint of the authors of USTM: which size of it")
    parser.add_argument(
        "--vocabulary",
        metavar="FILE",
        help="with --model: vocabulary.txt with the glosses that the checkpoint was trained for",
    )
    parser.add_argument("--to", required=True, help="the .safetensors file to write")
    parser.add_argument("--json", action="store_true", help="print the record instead of a table")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    options = build_parser().parse_args(arguments)
    from pathlib import Path

    from slr_keras.utils.errors import UserError

    target = Path(options.to)
    if target.suffix != ".safetensors":
        raise UserError(f"--to {options.to}: the format is safetensors; name a .safetensors file")
    if target.exists() and target.samefile(options.source):
        raise UserError(f"--to {options.to}: that is the source itself; name another file")
    if bool(options.model) != bool(options.vocabulary):
        raise UserError("--model and --vocabulary go together; a backbone has no vocabulary")
    make = _model if options.model else _backbone
    record = make(options, target)
    print(json.dumps(record.as_json(), indent=2) if options.json else table(record))
    return 0


def _backbone(options: argparse.Namespace, target: "Path") -> "WeightsRecord":
    from slr_keras.models.backbones import make_backbone
    from slr_keras.weights import load_backbone_weights, save_backbone_weights

    backbone = make_backbone(options.backbone)
    record = load_backbone_weights(backbone, options.source)
    save_backbone_weights(backbone, target, record)
    return record


def _model(options: argparse.Namespace, target: "Path") -> "WeightsRecord":
    from slr_keras.data.vocabulary import Vocabulary
    from slr_keras.models.registry import create_model, family_of
    from slr_keras.utils.errors import UserError
    from slr_keras.weights import load_ustm_checkpoint, save_model_weights

    vocabulary = Vocabulary.read(options.vocabulary)
    if family_of(options.model).name != "ustm":
        raise UserError(f"--model {options.model}: only checkpoints of USTM can be converted whole")
    model = create_model(options.model, len(vocabulary))
    record = load_ustm_checkpoint(model, options.source, vocabulary)
    save_model_weights(model, target, vocabulary, record)
    return record


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
    from slr_keras.weights.ustm import unused_modules

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
    if record.spread:
        lines.append(f"the mean over RGB for each channel: {', '.join(record.spread)}")
    unused = unused_modules(record.left_over)
    if unused:
        lines.append(f"ignored, as the published code never uses them: {', '.join(unused)}")
    rest = [name for name in record.left_over if not name.startswith(tuple(unused))]
    lines.append(f"left over: {', '.join(rest) or 'nothing'}")
    return "\n".join(lines)


if __name__ == "__main__":
    run(main)
