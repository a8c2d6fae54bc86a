"""Convert published checkpoints to weights in the project's own format."""

from pathlib import Path

from slr_keras.data.vocabulary import Vocabulary
from slr_keras.models.backbones import make_backbone
from slr_keras.models.registry import create_model, family_of
from slr_keras.utils.errors import UserError
from slr_keras.weights.loading import (
    WeightsRecord,
    load_backbone_weights,
    save_backbone_weights,
)
from slr_keras.weights.models import save_model_weights
from slr_keras.weights.ustm import load_ustm_checkpoint, unused_modules


def convert_backbone(source: str | Path, backbone_name: str, target: Path) -> WeightsRecord:
    """Convert a published checkpoint of a backbone.

    Args:
        source: checkpoint (.pth or .safetensors) of another library.
        backbone_name: architecture, such as swin_t.
        target: .safetensors file to write.

    Raises:
        UserError: the checkpoint is not readable, or does not fill every weight of the backbone.
    """
    backbone = make_backbone(backbone_name)
    record = load_backbone_weights(backbone, source)
    save_backbone_weights(backbone, target, record)
    return record


def convert_model(
    source: str | Path, model_name: str, vocabulary: Vocabulary, target: Path
) -> WeightsRecord:
    """Convert a published checkpoint of a whole model of the USTM family.

    Args:
        source: checkpoint of the authors.
        model_name: registered model, such as ustm_b.
        vocabulary: glosses that the checkpoint was trained for.
        target: .safetensors file to write.

    Raises:
        UserError: the model is of another family, or the checkpoint does not fill its weights.
    """
    if family_of(model_name).name != "ustm":
        raise UserError(f"--model {model_name}: only checkpoints of USTM can be converted whole")
    model = create_model(model_name, len(vocabulary))
    record = load_ustm_checkpoint(model, source, vocabulary)
    save_model_weights(model, target, vocabulary, record)
    return record


def table(record: "WeightsRecord") -> str:
    """The record as aligned text, one line per module.

    >>> from slr_keras.weights.conversion import table
    >>> from slr_keras.weights.loading import WeightsRecord
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
    if record.taken:
        lines.append(f"taken from the file: {record.taken}")
    if record.spread:
        lines.append(f"averaged over RGB, one value for every channel: {', '.join(record.spread)}")
    unused = unused_modules(record.left_over)
    if unused:
        lines.append(f"ignored, as the published code never uses them: {', '.join(unused)}")
    rest = [name for name in record.left_over if not name.startswith(tuple(unused))]
    lines.append(f"left over: {', '.join(rest) or 'nothing'}")
    return "\n".join(lines)
