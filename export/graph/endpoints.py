"""Signatures of a run: raw keypoints or pictures to scores, glosses or features."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from export.graph.decoding import Decoder as GraphDecoder, GreedyContext, best_signs, greedy_ctc
from export.graph.inputs import GraphInput, graph_input
from export.graph.names import CONTEXT, DEFAULT, ENCODED, FEATURES, GLOSSES, LENGTHS, LOGITS
from export.graph.sampling import Sampling, checked_lengths, checked_shape
from slr_keras.decoding.outputs import ENSEMBLE, FIRST_GLOSS, Decoder
from slr_keras.training.model import make_decoder
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from slr_keras.models.family import ModelFamily
    from slr_keras.training.run import Run

Prepared = tuple[dict[str, "tf.Tensor"], "tf.Tensor"]
Features = Callable[[Mapping[str, "tf.Tensor"]], "tf.Tensor"]


def require_servable(run: "Run") -> None:
    """Refuse runs whose inputs a server cannot get.

    Raises:
        UserError: the run reads optical flow.
    """
    if run.config.data.stream == "flow":
        raise UserError(
            f"{run.path}: reads optical flow, which takes seconds for each picture and cannot be "
            "computed within the graph; serve a run of pictures (data.stream: rgb), or score this "
            "one with `slr evaluate`"
        )


@dataclass(frozen=True)
class Endpoints:
    """The signatures of a run.

    Attributes:
        run: that is exported.
        model: of the run.
        longest: frames of the longest clip.
    """

    run: "Run"
    model: "keras.Model"
    longest: int

    @cached_property
    def input(self) -> GraphInput:
        """The content that clients send."""
        return graph_input(self.run.contract)

    @cached_property
    def decoder(self) -> Decoder:
        """Decoder of the scores outside the graph."""
        return make_decoder(self.model, self.run.config)

    @cached_property
    def sampling(self) -> Sampling:
        """Frames of a clip that the model reads."""
        from slr_keras.training.data import segments

        return Sampling(
            most=self.run.config.data.max_frames,
            segments=segments(self.run.config),
            evenly=self.decoder.names_one_sign,
            repeats=self.input.repeats_last,
        )

    @property
    def stride(self) -> int | None:
        """Frames for each step; None for models of one sign, which give one row for a clip."""
        return None if self.decoder.names_one_sign else self.model.stride

    @property
    def greedy_form(self) -> str:
        """Name of the decoding of `serving_glosses`."""
        return self.decoder.greedy_form

    def signatures(self) -> dict[str, "tf.types.experimental.ConcreteFunction"]:
        """Concrete functions by name."""
        content = self.input.specification()
        functions = {
            DEFAULT: self._function(content, self._scored),
            GLOSSES: self._function(content, self._decoded),
        }
        features = features_of(self.run.family, self.model, self._reported_head())
        if features is not None:
            functions[FEATURES] = self._function(content, self._featured(features))
        encoded = self.input.encoded_specification()
        if encoded is not None:
            functions[ENCODED] = self._function(encoded, self._scored)
        if self.greedy_form in GreedyContext.FORMS:
            functions[CONTEXT] = self._context_function()
        return functions

    def _function(
        self, content: "tf.TensorSpec", compute: Callable[[Prepared], Mapping[str, "tf.Tensor"]]
    ) -> Any:
        import tensorflow as tf

        signature = [content, tf.TensorSpec((None,), tf.int32, LENGTHS)]

        def call(content, lengths):
            return compute(self._prepared(content, lengths, signature[0].name))

        function = tf.function(call, input_signature=signature, autograph=False)
        return function.get_concrete_function()

    def _prepared(self, content: "tf.Tensor", lengths: "tf.Tensor", name: str) -> Prepared:
        import tensorflow as tf

        content = checked_shape(content, name)
        lengths = checked_shape(lengths, LENGTHS)
        lengths = checked_lengths(content, lengths, name, self.longest)
        places, seen = self.sampling.places(lengths, tf.shape(content)[1])
        clips = self.input.prepared(content, lengths, places)
        mask = tf.sequence_mask(seen, tf.shape(places)[1], dtype=tf.float32)
        return {**clips, "mask": mask}, seen

    def _scored(self, prepared: Prepared) -> dict[str, "tf.Tensor"]:
        inputs, seen = prepared
        scores = self.decoder.scores(self.model(inputs, training=False))[ENSEMBLE]
        if self.decoder.names_one_sign:
            return {LOGITS: scores[:, 0, FIRST_GLOSS:]}
        return {LOGITS: scores, LENGTHS: seen // self.stride}

    def _decoded(self, prepared: Prepared) -> dict[str, "tf.Tensor"]:
        scored = self._scored(prepared)
        if self.decoder.names_one_sign:
            return best_signs(scored[LOGITS])
        return self._greedy()(scored[LOGITS], scored[LENGTHS])

    def _featured(self, features: Features) -> Callable[[Prepared], dict[str, "tf.Tensor"]]:
        import tensorflow as tf

        def compute(prepared: Prepared) -> dict[str, "tf.Tensor"]:
            inputs, seen = prepared
            values = features(inputs)
            # All steps are real if the model takes a fixed number of frames.
            steps = seen // self.model.stride
            if self.sampling.segments is not None:
                steps = tf.zeros_like(seen) + tf.shape(values)[1]
            return {"features": values, LENGTHS: steps}

        return compute

    def _reported_head(self) -> str:
        heads = self.run.decoding.heads or getattr(self.model, "reported_heads", ("",))
        return self.run.family.feature_head or heads[0]

    def _context_function(self) -> Any:
        import tensorflow as tf

        model, level = self.model, self.decoder.counting
        signature = [
            tf.TensorSpec((None, None), tf.int32, "prefixes"),
            tf.TensorSpec((None,), tf.int32, LENGTHS),
        ]

        def call(prefixes, lengths):
            if model.context is None or level not in model.fusion:
                return {LOGITS: tf.zeros((tf.shape(prefixes)[0], model.vocabulary_size))}
            vectors = model.context.language_model.encode_whole(prefixes, lengths)
            adapted = model.context.adapted(vectors)
            return {LOGITS: model.classify_context(level, adapted[level])}

        function = tf.function(call, input_signature=signature, autograph=False)
        return function.get_concrete_function()

    def _greedy(self) -> GraphDecoder:
        decoding, form = self.run.decoding, self.greedy_form
        if form in GreedyContext.FORMS:
            level = self.decoder.counting
            return GreedyContext(self.model, level, decoding, collapses=form == "ctc_context")
        return lambda logits, steps: greedy_ctc(logits, steps, decoding.collapse_repeats)


def features_of(family: "ModelFamily", model: "keras.Model", head: str) -> Features | None:
    """A function from the inputs of a model to the features that a head reads.

    Args:
        family: of the model.
        model: a model of the family.
        head: name of the head.

    Returns:
        A function whose result is `(batch, steps, width)` float32; None if the family names no
        features and the model has no layer of the head.

    >>> import numpy as np
    >>> from export.graph.endpoints import features_of
    >>> from slr_keras.models.registry import create_model, family_of
    >>> model = create_model("stark_tiny", vocabulary_size=22)
    >>> clip = {"keypoints": np.zeros((1, 8, 79, 3), "float32"), "mask": np.ones((1, 8), "float32")}
    >>> features_of(family_of("stark_tiny"), model, "fuse")(clip).shape
    TensorShape([1, 2, 192])
    """
    import tensorflow as tf

    compute = (family.features or _functional_features)(model, head)
    if compute is None:
        return None
    return lambda inputs: tf.cast(compute(inputs), tf.float32)


def _functional_features(model: "keras.Model", head: str) -> Features | None:
    """The input of the layer of a head in a functional model."""
    import keras

    if f"head_{head}" not in {layer.name for layer in model.layers}:
        return None
    inner = keras.Model(model.input, model.get_layer(f"head_{head}").input[0])
    return lambda inputs: inner(inputs, training=False)


def save(endpoints: Endpoints, folder: str) -> dict[str, Any]:
    """Write `saved_model.pb` and `variables/`; returns shapes and types of the signatures."""
    import tensorflow as tf

    signatures = endpoints.signatures()
    module = tf.Module()
    # A SavedModel tracks TensorFlow variables, which Keras variables wrap.
    module.weights = [variable.value for variable in endpoints.model.variables]
    tf.saved_model.save(module, folder, signatures=signatures)
    return {name: described(function) for name, function in signatures.items()}


def described(function: Any) -> dict[str, Any]:
    """Names, types and shapes (-1 for a free size) of the inputs and outputs of a function."""
    specs = function.structured_input_signature
    inputs = {spec.name: spec for spec in [*specs[0], *specs[1].values()]}
    sides = {"inputs": inputs, "outputs": dict(function.structured_outputs)}
    return {
        side: {
            name: {
                "dtype": spec.dtype.name,
                "shape": [-1 if size is None else size for size in spec.shape],
            }
            for name, spec in tensors.items()
        }
        for side, tensors in sides.items()
    }
