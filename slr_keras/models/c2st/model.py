"""C²ST: frames, local and global gloss features, and the context of the glosses so far.

The decoder's logits at step s after the gloss prefix y_1..y_t are A[s] + C[t]: the classifier is
linear, so the features and the prefix's context can be classified apart and added
(specs/c2st.md §4, §5.6). The model returns A, and C for the prefixes of given labels.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from slr_keras.models.backbones import FrameEncoder, make_backbone
from slr_keras.models.c2st.context import ContextBranch, make_language_model
from slr_keras.models.complexity import ModuleCost
from slr_keras.models.layers import PACKAGE
from slr_keras.models.temporal import BiLstm, TemporalConvolution, make_classifier

#: From the local features of the 1D-TCN, and from the global ones of the BiLSTM; the last counts.
LEVELS = ("chunk", "video")


@keras.saving.register_keras_serializable(PACKAGE)
class C2st(keras.Model):
    """Continuous sign language recognition from RGB, given the glosses recognised before.

    Reference: Zhang et al., "C²ST: Cross-modal Contextualized Sequence Transduction for Continuous
    Sign Language Recognition", ICCV 2023.

    Args:
        vocabulary_size: V, classes with the blank (class 0).
        image_size: (height, width) of the frames. Defaults to `(224, 224)`.
        backbone: a name of `list_backbones()`. Defaults to `"swin_t"`.
        width: of local and global features; even. Defaults to `1024`.
        pooling, lift_kernel, masked: of the 1D-TCN, see `TemporalConvolution`.
        dropout: between the layers of the BiLSTM. Defaults to `0.3`.
        classifier: "linear" or "norm", see `make_classifier`. Defaults to `"linear"`.
        language_model: "words", "causal", "bert" or "none". Defaults to `"words"`.
        language_model_options: arguments of the language model.
        fusion: levels that see the context (Table 6). Defaults to both.
        adapter_scale: of the adapters' first weights; small, so that training starts without
            context (§9). Defaults to `0.1`.
        pixels: "symmetric" (x / 127.5 - 1) or "imagenet", see `PixelNormalization`.
        chunk: frames that the backbone sees at once, 0 for all.
        recompute: forget the backbone's activations and compute them again for the gradient.
        skip_padding: leave padding frames out of the backbone's work. XLA, to which shapes must be
            known, needs `False`; the result is the same. Defaults to `True`.

    Inputs:
        `{"video": (batch, frames, height, width, 3) uint8, "mask": (batch, frames)}`; frames and
        the length of each clip are multiples of 4. With `"labels" (batch, T)` and
        `"label_lengths" (batch,)` the contexts of the labels' prefixes are returned too.

    Outputs:
        `"chunk"` and `"video"`: A, `(batch, frames / 4, V)`; `"lifting"`: the pooling's loss
        `(batch,)`; with labels `"chunk_context"` and `"video_context"`: C, `(batch, T + 1, V)`.

    >>> import numpy as np
    >>> from slr_keras.models.registry import create_model
    >>> model = create_model("c2st_tiny", vocabulary_size=5, image_size=(32, 32))
    >>> clip = {"video": np.zeros((1, 8, 32, 32, 3), "uint8"), "mask": np.ones((1, 8), "float32")}
    >>> model(clip)["video"].shape
    TensorShape([1, 2, 5])
    """

    #: What the model reads of a batch.
    clip_inputs = ("video", "mask")
    levels = LEVELS
    stride = 4

    def __init__(
        self,
        vocabulary_size: int,
        image_size: Sequence[int] = (224, 224),
        backbone: str = "swin_t",
        width: int = 1024,
        pooling: str = "lift",
        lift_kernel: int = 3,
        masked: bool = True,
        dropout: float = 0.3,
        classifier: str = "linear",
        language_model: str = "words",
        language_model_options: Mapping[str, Any] | None = None,
        fusion: Sequence[str] = LEVELS,
        adapter_scale: float = 0.1,
        pixels: str = "symmetric",
        chunk: int = 0,
        recompute: bool = False,
        skip_padding: bool = True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if width % 2:
            raise ValueError(f"width is {width}; the two directions of the BiLSTM share it evenly")
        unknown = set(fusion) - set(LEVELS)
        if unknown:
            raise ValueError(f"fusion: {sorted(unknown)[0]!r} is not one of {', '.join(LEVELS)}")
        # === Config ===
        self.vocabulary_size = vocabulary_size
        self.image_size = tuple(image_size)
        self.backbone = backbone
        self.width = width
        self.pooling = pooling
        self.lift_kernel = lift_kernel
        self.masked = masked
        self.dropout = dropout
        self.classifier = classifier
        self.language_model = language_model
        self.language_model_options = dict(language_model_options or {})
        self.fusion = tuple(level for level in LEVELS if level in fusion)
        self.adapter_scale = adapter_scale
        self.pixels = pixels
        self.chunk = chunk
        self.recompute = recompute
        self.skip_padding = skip_padding

        # === Layers ===
        policy = self.dtype_policy
        self.frame_encoder = FrameEncoder(
            make_backbone(backbone, dtype=policy),
            pixels=pixels,
            chunk=chunk,
            recompute=recompute,
            skip_padding=skip_padding,
            dtype=policy,
            name="frame_encoder",
        )
        self.convolution = TemporalConvolution(
            width,
            pooling=pooling,
            lift_kernel=lift_kernel,
            masked=masked,
            dtype=policy,
            name="convolution",
        )
        self.recurrent = BiLstm(width // 2, dropout=dropout, dtype=policy, name="recurrent")
        self.classifiers = [
            make_classifier(classifier, vocabulary_size, dtype=policy, name=f"classifier_{level}")
            for level in LEVELS
        ]
        self.context = None
        if language_model != "none" and self.fusion:
            self.context = ContextBranch(
                make_language_model(language_model, vocabulary_size, **self.language_model_options),
                width,
                self.fusion,
                adapter_scale,
                dtype=policy,
                name="context",
            )
        self._prefix_function = None
        self.build()

    def build(self, input_shape=None):
        """Make all weights; the shapes follow from the arguments."""
        if self.built:
            return
        video = (None, None, *self.image_size, 3)
        self.frame_encoder.build(video)
        features = self.frame_encoder.compute_output_shape(video)
        self.convolution.build(features)
        local = (None, None, self.width)
        self.recurrent.build(local)
        for layer in self.classifiers:
            layer.build(local)
        if self.context is not None:
            self.context.build()
        self.built = True

    # === Forward ===

    def call(self, inputs, training=False):
        features = self.frame_encoder(inputs["video"], inputs["mask"], training=training)
        local, steps, update, prediction = self.convolution(
            features, inputs["mask"], training=training
        )
        overall = self.recurrent(local, steps, training=training)
        outputs = {
            level: ops.cast(layer(x), "float32")
            for level, layer, x in zip(LEVELS, self.classifiers, (local, overall))
        }
        outputs["lifting"] = update + prediction
        if "labels" in inputs:
            contexts = self.contexts(inputs["labels"], inputs["label_lengths"])
            outputs |= {f"{level}_context": value for level, value in contexts.items()}
        return outputs

    def contexts(self, labels, label_lengths) -> dict[str, Any]:
        """C of every prefix of the labels, by level `(batch, T + 1, V)`; 0 without fusion."""
        shape = ops.shape(labels)
        nothing = ops.zeros((shape[0], shape[1] + 1, self.vocabulary_size), "float32")
        found = dict.fromkeys(LEVELS, nothing)
        if self.context is not None:
            for level, vectors in self.context(labels, label_lengths).items():
                found[level] = self.classify_context(level, vectors)
        return found

    def classify_context(self, level: str, vectors):
        """C of context vectors `(..., width)`: classified without the bias, which A has."""
        layer = self.classifiers[LEVELS.index(level)]
        bias = layer(ops.zeros_like(vectors[:1]))
        return ops.cast(layer(vectors), "float32") - ops.cast(bias, "float32")

    def context_logits(self, level: str, prefixes: Sequence[Sequence[int]]) -> np.ndarray:
        """C of gloss prefixes of any lengths, `(prefixes, V)`; for decoding."""
        if self.context is None or level not in self.fusion:
            return np.zeros((len(prefixes), self.vocabulary_size), np.float32)
        lengths = np.array([len(prefix) for prefix in prefixes], np.int32)
        # Few different widths: a function is traced once, and shapes are reused.
        labels = np.zeros((len(prefixes), 4 * max(1, -(-lengths.max() // 4))), np.int32)
        for row, prefix in zip(labels, prefixes):
            row[: len(prefix)] = prefix
        return np.asarray(self._prefix_logits()(labels, lengths)[level])

    def _prefix_logits(self):
        """The function from labels to the context logits of each whole row."""
        if self._prefix_function is not None:
            return self._prefix_function

        def logits_of(labels, lengths):
            vectors = self.context.language_model.encode_whole(labels, lengths)
            adapted = self.context.adapted(vectors)
            return {level: self.classify_context(level, x) for level, x in adapted.items()}

        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            signature = [tf.TensorSpec((None, None), tf.int32), tf.TensorSpec((None,), tf.int32)]
            logits_of = tf.function(logits_of, input_signature=signature, autograph=False)
        # Not an attribute that Keras would track.
        object.__setattr__(self, "_prefix_function", logits_of)
        return logits_of

    # === Costs and config ===

    def module_costs(self, frames: int) -> list[ModuleCost]:
        """Costs of every module for one clip; of the context branch, for one prefix."""
        steps = frames // self.stride
        video = (1, frames, *self.image_size, 3)
        features = self.frame_encoder.compute_output_shape(video)
        local = (1, steps, self.width)
        modules = [
            (self.frame_encoder, features, video),
            (self.convolution, local, features),
            (self.recurrent, local, local),
            *((layer, (1, steps, self.vocabulary_size), local) for layer in self.classifiers),
        ]
        if self.context is not None:
            modules.append((self.context, (1, 1, self.width), (1, 1)))
        return [ModuleCost.of(*module) for module in modules]

    def get_config(self):
        names = (
            "vocabulary_size image_size backbone width pooling lift_kernel masked dropout "
            "classifier language_model language_model_options fusion adapter_scale pixels "
            "chunk recompute skip_padding"
        )
        return {**super().get_config(), **{name: getattr(self, name) for name in names.split()}}

    def build_from_config(self, config):
        """Everything is built by the constructor."""
