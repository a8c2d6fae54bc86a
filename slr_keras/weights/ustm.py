"""Loading of the authors' USTM checkpoints, with the names of docs/papers/ustm.md §15."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from slr_keras.models.ustm import Ustm
from slr_keras.utils.errors import UserError
from slr_keras.weights.checkpoint import read_checkpoint
from slr_keras.weights.loading import WeightsRecord
from slr_keras.weights.models import complain, named_weights
from slr_keras.weights.names import LEAVES, TORCHVISION_PARTS, swin_modules
from slr_keras.weights.state_dictionaries import without_wrappers

if TYPE_CHECKING:
    from slr_keras.data.vocabulary import Vocabulary

LIBRARY = "the authors of USTM"
CLASSIFIER = "classifier/kernel"
# Modules that the published code makes and never uses (§5.5), and constant buffers.
_DEAD = re.compile(r"(prems_(?:conv1d|temporal_model|classifier)|conv2d\.head)\..*")
_BUFFERS = re.compile(r".*\.(num_batches_tracked|relative_position_index|attn_mask)")

_BACKBONE = swin_modules(
    {"patches": "features.0.0", "patches_norm": "features.0.2", "norm": "norm"},
    "features.{odd}.swin_layer.{index}",
    lambda stage: f"features.{2 * stage}",
    TORCHVISION_PARTS,
)
_ADAPTER = {
    "norm_in": "norm1",
    "down": "down_proj",
    "mix/convolution": "block1_conv1x1",
    "mix/norm": "block1_bn1",
    "near_1/convolution": "block1_conv3x3_1",
    "near_1/norm": "block1_bn2",
    "near_2/convolution": "block1_conv3x3_2",
    "near_2/norm": "block1_bn3",
    "far_1/convolution": "block2_conv3x3_1",
    "far_1/norm": "block2_bn1",
    "far_2/convolution": "block2_conv3x3_2",
    "far_2/norm": "block2_bn2",
    "norm_out": "norm2",
    "up": "up_proj",
}
_CONVOLUTION = {
    "K5_0/convolution": "post_conv1.0",
    "K5_0/norm": "post_conv1.1",
    "P2_1": "tlp1",
    "K5_2/convolution": "post_conv2.0",
    "K5_2/norm": "post_conv2.1",
    "P2_3": "tlp2",
}
_POOLING = {
    "predict/depthwise": "predictor.0",
    "predict/pointwise": "predictor.2",
    "update/depthwise": "updater.0",
    "update/pointwise": "updater.2",
    "weigh_approximation/convolution": "weight1.conv",
    "weigh_approximation/norm": "weight1.insnorm",
    "weigh_detail/convolution": "weight2.conv",
    "weigh_detail/norm": "weight2.insnorm",
}
_LSTM = {
    "kernel": ("weight_ih",),
    "recurrent_kernel": ("weight_hh",),
    # PyTorch adds two biases, Keras has one.
    "bias": ("bias_ih", "bias_hh"),
}


def load_ustm_checkpoint(
    model: Ustm, path: str | Path, vocabulary: "Vocabulary | None" = None
) -> WeightsRecord:
    """Load all weights of a USTM from a checkpoint of the authors' code.

    After an error no weight has changed. In the checkpoint, class 0 is the blank and class k the
    k-th gloss in the order of Python's strings.

    Args:
        model: a model of the checkpoint's size.
        path: a `torch.save` file; names in it may have the components that torch
            adds, such as `module.`.
        vocabulary: vocabulary of the model, with the same glosses. Its `<unk>`, which the authors
            do not have, gets the logit 0. Defaults to `None`: the model has the authors' classes.

    Returns:
        the record of the loaded weights; `left_over` lists the ignored ones.

    Raises:
        UserError: the file cannot be read, is of another vocabulary or model, or the model has a
            convolutional stem; the message lists missing, extra and reshaped weights.
    """
    if model.frame_encoder.backbone.stem:
        raise UserError(
            f"{path}: {model.name} begins with a convolutional stem, which the authors' code does "
            "not have; choose ustm_t, ustm_s or ustm_b"
        )
    choices = read_checkpoint(path).choices()
    whole = [one for one in choices if "classifier.weight" in without_wrappers(one.tensors)]
    checkpoint = (whole or choices)[0].usable()
    tensors = without_wrappers(checkpoint.tensors)
    targets = named_weights(model)
    sources = {name: source_names(name) for name in targets}
    used = {theirs for names in sources.values() for theirs in names}
    ignored = {name for name in tensors if _DEAD.fullmatch(name) or _BUFFERS.fullmatch(name)}
    values = {
        name: _value(name, [tensors[theirs] for theirs in sources[name]], tuple(target.shape))
        for name, target in targets.items()
        if tensors.keys() >= set(sources[name])
    }
    complain(
        str(path),
        missing=used - tensors.keys(),
        extra=tensors.keys() - used - ignored,
        reshaped={
            sources[name][0]: (tensors[sources[name][0]].shape, tuple(targets[name].shape))
            for name, value in values.items()
            if value is None
        },
        model=model.name,
    )
    _check_vocabulary(str(path), tensors["classifier.weight"], model, vocabulary)
    damaged = [sources[name][0] for name, value in values.items() if not np.isfinite(value).all()]
    if damaged:
        raise UserError(
            f"{path}: {damaged[0]} holds numbers that are not finite; the file is damaged"
        )
    if vocabulary is not None:
        values[CLASSIFIER] = _reordered(values[CLASSIFIER], vocabulary)
    for name, target in targets.items():
        target.assign(values[name])
    return WeightsRecord(
        backbone=model.name,
        file=checkpoint.path.name,
        sha256=checkpoint.sha256,
        library=LIBRARY,
        weights=len(values),
        numbers=sum(value.size for value in values.values()),
        sources=sources,
        taken=checkpoint.key,
        left_over=tuple(sorted(ignored)),
    )


def source_names(name: str) -> tuple[str, ...]:
    """The authors' names of our weight; two names if our weight is the sum of both.

    >>> from slr_keras.weights.ustm import source_names
    >>> source_names("frame_encoder/adapter_0/far_1/norm/gamma")
    ('conv2d.features.1.temporal_adapter.block2_bn1.weight',)
    """
    if name == CLASSIFIER:
        return ("classifier.weight",)
    part, _, rest = name.partition("/")
    module, _, leaf = rest.rpartition("/")
    if part == "frame_encoder":
        return (_encoder_name(*rest.split("/", 1)),)
    if part == "streams":
        kind, number = module.rsplit("_", 1)
        # Dilation 1 is the third stream.
        place = f"{number}.0" if kind == "entry" else f"{int(number) + 1}.2"
        return (f"conv1d.streams.{place}.{LEAVES[leaf]}",)
    if part == "convolution":
        stage, _, inside = module.partition("/")
        if stage.startswith("P"):
            return (f"conv1d.{_CONVOLUTION[stage]}.{_POOLING[inside]}.{LEAVES[leaf]}",)
        return (f"conv1d.{_CONVOLUTION[module]}.{LEAVES[leaf]}",)
    layer, direction = re.match(r"layer_(\d+)/(forward|backward)_", module).groups()
    end = "_reverse" * (direction == "backward")
    return tuple(f"temporal_model.rnn.{kind}_l{layer}{end}" for kind in _LSTM[leaf])


def _encoder_name(part: str, rest: str) -> str:
    module, _, leaf = rest.rpartition("/")
    if not part.startswith("adapter_"):
        (source,) = _BACKBONE(module)
        return f"conv2d.{source}.{LEAVES[leaf]}"
    place = f"conv2d.features.{2 * int(part.removeprefix('adapter_')) + 1}.temporal_adapter"
    if leaf == "table":
        return f"{place}.temporal_pos_emb"
    return f"{place}.{_ADAPTER[module]}.{LEAVES[leaf]}"


def _value(name: str, parts: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray | None:
    """Tensors of the file in our layout; None if the shapes do not fit."""
    if any(part.shape != parts[0].shape for part in parts):
        return None
    value = sum(parts[1:], parts[0]).astype(np.float32)
    leaf = name.rpartition("/")[2]
    if leaf == "table":
        # The authors' table has axes of size 1 for the batch and the map.
        value = value.squeeze()
    elif leaf in ("kernel", "recurrent_kernel") and name != CLASSIFIER:
        if len(shape) == 2 and value.ndim == 3 and value.shape[2] == 1:
            value = value[:, :, 0]
        if name.endswith("depthwise/kernel"):
            value = value.transpose(2, 0, 1) if value.ndim == 3 else value
        elif value.ndim >= 2:
            # Torch has outputs, inputs, kernel axes; ours are kernel axes, inputs, outputs.
            value = value.transpose(*range(2, value.ndim), 1, 0)
    # The last axis of the classifier is the vocabulary, which is checked separately.
    fits = value.shape[:1] == shape[:1] if name == CLASSIFIER else value.shape == shape
    return value if fits else None


def _check_vocabulary(
    where: str, classifier: np.ndarray, model: Ustm, vocabulary: "Vocabulary | None"
) -> None:
    """Refuse a classifier with another number of glosses, with a message about vocabularies."""
    classes = classifier.shape[-1] if classifier.ndim == 2 else 0
    if vocabulary is None:
        ours, meaning = model.vocabulary_size, "the model"
    else:
        # Our vocabulary also has <unk>.
        ours, meaning = len(vocabulary) - 1, f"the vocabulary ({vocabulary.digest})"
    if classes != ours:
        raise UserError(
            f"{where}: its vocabulary has {classes - 1} glosses and the blank, {meaning} "
            f"{ours - 1} and the blank; give the vocabulary that it was trained with: the glosses "
            "of the corpus' train, dev and test split"
        )


def _reordered(kernel: np.ndarray, vocabulary: "Vocabulary") -> np.ndarray:
    """The classifier's columns in the order of a vocabulary; 0 for `<unk>`."""
    place = {gloss: number for number, gloss in enumerate(sorted(vocabulary.glosses), start=1)}
    columns = np.zeros((len(kernel), len(vocabulary)), np.float32)
    columns[:, vocabulary.BLANK_ID] = kernel[:, 0]
    for gloss in vocabulary.glosses:
        columns[:, vocabulary.encode([gloss])[0]] = kernel[:, place[gloss]]
    return columns


def unused_modules(names: Iterable[str]) -> list[str]:
    """Modules in a checkpoint that the published code makes and never uses.

    >>> from slr_keras.weights.ustm import unused_modules
    >>> unused_modules(["conv2d.head.bias", "conv2d.head.weight", "classifier.weight"])
    ['conv2d.head']
    """
    return sorted({match.group(1) for name in names if (match := _DEAD.fullmatch(name))})
