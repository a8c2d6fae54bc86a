"""The C²ST model: frame encoder, local and global gloss features, and context of the gloss prefix.

The decoder's logits at step s after the gloss prefix y_1..y_t are A[s] + C[t]. Since the classifier
is linear, it classifies the features and the prefix's context separately, and the logits are added
(docs/papers/c2st.md §4, §5.6). The model returns A, and C for the prefixes of given labels.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from slr_keras.models.backbones import FrameEncoder, make_backbone
from slr_keras.models.c2st.context import ContextBranch, make_language_model
from slr_keras.models.checks import OptionError
from slr_keras.models.layers import PACKAGE
from slr_keras.models.temporal import make_classifier
from slr_keras.models.video import VideoSequenceModel

#: Outputs of the local features (1D-TCN) and of the global ones (BiLSTM); the last is the result.
LEVELS = ("chunk", "video")


@keras.saving.register_keras_serializable(PACKAGE)
class C2st(VideoSequenceModel):
    """Continuous sign language recognition from RGB, conditional on the glosses recognised so far.

    Reference: Zhang et al., "C²ST: Cross-modal Contextualized Sequence Transduction for Continuous
    Sign Language Recognition", ICCV 2023.

    Args:
        vocabulary_size: V, classes with the blank (class 0).
        image_size: (height, width) of the frames. Defaults to `(224, 224)`.
        backbone: a name of `list_backbones()`. Defaults to `"swin_t"`.
        width: channels of local and global features (hidden_dim); even. Defaults to `1024`.
        pooling: "lift" or "max", pooling of the 1D-TCN. Defaults to `"lift"`.
        lift_kernel: kernel size of lift pooling, see `TemporalConvolution`. Defaults to `3`.
        masked: whether padding is left out of all statistics, see `TemporalConvolution`. Defaults
            to `True`.
        dropout: dropout rate between the layers of the BiLSTM. Defaults to `0.3`.
        classifier: "linear" or "norm", see `make_classifier`. Defaults to `"linear"`.
        language_model: "words", "causal", "bert" or "none". Defaults to `"words"`.
        language_model_options: arguments of the language model. Defaults to `None`.
        fusion: levels that use the context (Table 6). Defaults to both.
        adapter_scale: scale of the adapters' initial weights; small, so that training starts almost
            without context (§9). Defaults to `0.1`.
        pixels: "symmetric" (x / 127.5 - 1) or "imagenet", see `PixelNormalization`. Defaults to
            `"symmetric"`.
        chunk: frames that the backbone computes at once; 0 for all. Defaults to `0`.
        recompute: whether training computes the backbone's activations again for the gradient
            (gradient checkpointing). Defaults to `False`.
        skip_padding: whether the backbone leaves padding frames out. The result is the same; XLA
            needs `False`, since the number of real frames is known at run time only. Defaults to
            `True`.
        kwargs: `name` and `dtype` of the model.

    Inputs:
        `{"video": (batch, frames, height, width, 3) uint8, "mask": (batch, frames)}`; frames and
        the length of each clip are multiples of 4. Optional: `"labels" (batch, T)` and
        `"label_lengths" (batch,)`, for the contexts of their prefixes.

    Outputs:
        `"chunk"` and `"video"`: A, `(batch, frames / 4, V)`; `"lifting"`: the pooling's loss
        `(batch,)`; with labels `"chunk_context"` and `"video_context"`: C, `(batch, T + 1, V)`.

    Raises:
        ValueError: arguments that contradict each other, or unknown names.

    >>> import numpy as np
    >>> from slr_keras.models.registry import create_model
    >>> model = create_model("c2st_tiny", vocabulary_size=5, image_size=(32, 32))
    >>> clip = {"video": np.zeros((1, 8, 32, 32, 3), "uint8"), "mask": np.ones((1, 8), "float32")}
    >>> model(clip)["video"].shape
    TensorShape([1, 2, 5])
    """

    levels = LEVELS

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
        super().__init__(
            vocabulary_size,
            image_size,
            backbone,
            width=width,
            dropout=dropout,
            masked=masked,
            pixels=pixels,
            chunk=chunk,
            recompute=recompute,
            **kwargs,
        )
        unknown = set(fusion) - set(LEVELS)
        if unknown:
            raise OptionError(f"fusion: {sorted(unknown)[0]!r} is not one of {', '.join(LEVELS)}")
        # === Config ===
        self.pooling = pooling
        self.lift_kernel = lift_kernel
        self.classifier = classifier
        self.language_model = language_model
        self.language_model_options = dict(language_model_options or {})
        self.fusion = tuple(level for level in LEVELS if level in fusion)
        self.adapter_scale = adapter_scale
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
        self.make_sequence_layers(pooling=pooling, lift_kernel=lift_kernel)
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

    def module_shapes(self, batch=None, frames=None):
        """The layers with their shapes; the context branch for one prefix."""
        video = self.video_shape(batch, frames)
        features = self.frame_encoder.compute_output_shape(video)
        local = self.step_shape(batch, frames, self.width)
        logits = self.step_shape(batch, frames, self.vocabulary_size)
        modules = [
            (self.frame_encoder, features, video),
            (self.convolution, local, features),
            (self.recurrent, local, local),
            *((layer, logits, local) for layer in self.classifiers),
        ]
        if self.context is not None:
            modules.append((self.context, (batch, 1, self.width), (batch, 1)))
        return modules

    # === Forward ===

    def call(self, inputs, training=False):
        features = self.frame_encoder(inputs["video"], inputs["mask"], training=training)
        classifiers = dict(zip(LEVELS, self.classifiers, strict=True))
        outputs = self.sequence_outputs(features, inputs["mask"], classifiers, training)
        if "labels" in inputs:
            contexts = self.contexts(inputs["labels"], inputs["label_lengths"])
            outputs |= {f"{level}_context": value for level, value in contexts.items()}
        return outputs

    def contexts(self, labels, label_lengths) -> dict[str, Any]:
        """C of every prefix of the labels by level, `(batch, T + 1, V)`; 0 without fusion."""
        shape = ops.shape(labels)
        zeros = ops.zeros((shape[0], shape[1] + 1, self.vocabulary_size), "float32")
        contexts = dict.fromkeys(LEVELS, zeros)
        if self.context is not None:
            for level, vectors in self.context(labels, label_lengths).items():
                contexts[level] = self.classify_context(level, vectors)
        return contexts

    def classify_context(self, level: str, vectors):
        """C `(..., V)` of context vectors `(..., width)`; without the bias, which is part of A."""
        layer = self.classifiers[LEVELS.index(level)]
        bias = layer(ops.zeros_like(vectors[:1]))
        return ops.cast(layer(vectors), "float32") - ops.cast(bias, "float32")

    def context_logits(self, level: str, prefixes: Sequence[Sequence[int]]) -> np.ndarray:
        """C of gloss prefixes of any lengths, `(prefixes, V)`, for decoding."""
        if self.context is None or level not in self.fusion:
            return np.zeros((len(prefixes), self.vocabulary_size), np.float32)
        lengths = np.array([len(prefix) for prefix in prefixes], np.int32)
        # Padded to multiples of 4, so that few shapes are traced.
        labels = np.zeros((len(prefixes), 4 * max(1, -(-lengths.max() // 4))), np.int32)
        for row, prefix in zip(labels, prefixes):
            row[: len(prefix)] = prefix
        return np.asarray(self._prefix_logits()(labels, lengths)[level])

    def _prefix_logits(self):
        """The function from labels and lengths to the context logits of each whole row."""
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
