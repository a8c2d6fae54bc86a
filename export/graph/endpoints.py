"""A trained run as signatures: raw keypoints or pictures in, scores, glosses or features out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from export.graph.decoding import (
    Decoder,
    GreedyContext,
    best_signs,
    greedy_ctc,
)
from export.graph.features import features_of
from export.graph.sampling import Sampling, checked_lengths, checked_shape
from slr_keras.decoding.outputs import (
    ENSEMBLE,
    FIRST_GLOSS,
    ContextCtcReadout,
    IsolatedReadout,
    TransducerReadout,
    make_readout,
)
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from slr_keras.training.run import Run

DEFAULT, ENCODED, FEATURES = "serving_default", "serving_encoded", "serving_features"
GLOSSES, CONTEXT = "serving_glosses", "serving_context"
KEYPOINTS, FRAMES, FILES, LENGTHS = "keypoints", "frames", "encoded", "lengths"
LOGITS = "logits"

Prepared = tuple[dict[str, "tf.Tensor"], "tf.Tensor"]


def require_servable(run: "Run") -> None:
    """Refuse runs whose inputs no server has.

    Raises:
        UserError: the run sees optical flow.
    """
    if run.config.data.stream == "flow":
        raise UserError(
            f"{run.path}: sees optical flow, which takes seconds a picture to estimate and is no "
            "graph; serve a run of pictures (data.stream: rgb), or score this one with `python -m "
            "slr_keras.evaluate`"
        )


@dataclass(frozen=True)
class Endpoints:
    """The signatures of a run.

    Attributes:
        run: gives contract and decoding.
        model: its model.
        longest: frames of a clip.
    """

    run: "Run"
    model: "keras.Model"
    longest: int

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "readout", make_readout(self.model, self.run.config))
        set_(self, "sampling", self._sampling())
        set_(self, "decoder", self._decoder())

    @property
    def stride(self) -> int | None:
        """Frames of a step; None for models of one sign, which give one row a clip."""
        return None if self.run.isolated else self.model.stride

    @property
    def gives_log_probabilities(self) -> bool:
        """Whether scores are log-probabilities; else logits, to which contexts are added."""
        return not isinstance(self.readout, TransducerReadout)

    @property
    def greedy_form(self) -> str:
        """How `serving_glosses` reads the scores."""
        if self.run.isolated:
            return "signs"
        if not isinstance(self.decoder, GreedyContext):
            return "ctc"
        return "ctc_context" if self.decoder.collapses else "transducer"

    def signatures(self) -> dict[str, "tf.types.experimental.ConcreteFunction"]:
        """Concrete functions by name."""
        content = self._content()
        found = {
            DEFAULT: self._function(content, self._scored),
            GLOSSES: self._function(content, self._decoded),
            FEATURES: self._function(content, self._featured()),
        }
        if self.run.modality == "video":
            import tensorflow as tf

            files = tf.TensorSpec((None, None), tf.string, FILES)
            found[ENCODED] = self._function(files, self._scored)
        if self.greedy_form in ("transducer", "ctc_context"):
            found[CONTEXT] = self._context_function()
        return found

    def _content(self) -> "tf.TensorSpec":
        import tensorflow as tf

        if self.run.modality == "video":
            return tf.TensorSpec((None, None, None, None, 3), tf.uint8, FRAMES)
        source = self.run.contract.source
        shape = (None, None, len(source.points), len(source.channels))
        return tf.TensorSpec(shape, tf.float32, KEYPOINTS)

    def _function(
        self, content: "tf.TensorSpec", of: Callable[[Prepared], Mapping[str, "tf.Tensor"]]
    ) -> Any:
        import tensorflow as tf

        signature = [content, tf.TensorSpec((None,), tf.int32, LENGTHS)]

        def call(content, lengths):
            return of(self._prepared(content, lengths, signature[0].name))

        function = tf.function(call, input_signature=signature, autograph=False)
        return function.get_concrete_function()

    def _prepared(self, content: "tf.Tensor", lengths: "tf.Tensor", name: str) -> Prepared:
        import tensorflow as tf

        content = checked_shape(content, name)
        lengths = checked_shape(lengths, LENGTHS)
        lengths = checked_lengths(content, lengths, name, self.longest)
        places, seen = self.sampling.places(lengths, tf.shape(content)[1])
        if self.run.modality == "video":
            from export.graph.pictures import seen as pictures

            clips = {"video": pictures(content, places, self.run.contract)}
        else:
            from export.graph.keypoints import prepared

            clips = {"keypoints": prepared(content, lengths, places, self.run.contract)}
        mask = tf.sequence_mask(seen, tf.shape(places)[1], dtype=tf.float32)
        return {**clips, "mask": mask}, seen

    def _scored(self, prepared: Prepared) -> dict[str, "tf.Tensor"]:
        inputs, seen = prepared
        scores = self.readout.scores(self.model(inputs, training=False))[ENSEMBLE]
        if self.run.isolated:
            return {LOGITS: scores[:, 0, FIRST_GLOSS:]}
        return {LOGITS: scores, LENGTHS: seen // self.stride}

    def _decoded(self, prepared: Prepared) -> dict[str, "tf.Tensor"]:
        scored = self._scored(prepared)
        if self.run.isolated:
            return best_signs(scored[LOGITS])
        return self.decoder(scored[LOGITS], scored[LENGTHS])

    def _featured(self) -> Callable[[Prepared], dict[str, "tf.Tensor"]]:
        import tensorflow as tf

        features = features_of(self.model, self._reported_head())

        def compute(prepared: Prepared) -> dict[str, "tf.Tensor"]:
            inputs, seen = prepared
            found = features(inputs)
            # A model that takes a number of frames has all of its steps.
            steps = seen // self.model.stride
            if self.sampling.segments is not None:
                steps = tf.zeros_like(seen) + tf.shape(found)[1]
            return {"features": found, LENGTHS: steps}

        return compute

    def _reported_head(self) -> str:
        if self.run.modality == "keypoints":
            # Sees all streams, whatever else is averaged.
            return "fuse"
        heads = self.run.decoding.heads or getattr(self.model, "reported_heads", ("",))
        return heads[0]

    def _context_function(self) -> Any:
        import tensorflow as tf

        model, level = self.model, self.readout.counting
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

    def _sampling(self) -> Sampling:
        from slr_keras.training.data import segments

        return Sampling(
            most=self.run.config.data.max_frames,
            segments=segments(self.run.config),
            whole=isinstance(self.readout, IsolatedReadout),
            repeats=self.run.modality == "video",
        )

    def _decoder(self) -> Decoder:
        decoding = self.run.decoding
        if isinstance(self.readout, TransducerReadout):
            collapses = isinstance(self.readout, ContextCtcReadout)
            return GreedyContext(self.model, self.readout.counting, decoding, collapses)
        return lambda logits, steps: greedy_ctc(logits, steps, decoding.collapse_repeats)


def save(endpoints: Endpoints, folder: str) -> dict[str, Any]:
    """Write `saved_model.pb` and `variables/`; gives shapes and types of the signatures."""
    import tensorflow as tf

    signatures = endpoints.signatures()
    module = tf.Module()
    # Keras' own variables wrap TensorFlow's, which are those that a SavedModel holds.
    module.weights = [variable.value for variable in endpoints.model.variables]
    tf.saved_model.save(module, folder, signatures=signatures)
    return {name: described(function) for name, function in signatures.items()}


def described(function: Any) -> dict[str, Any]:
    """Names, types and shapes (-1 is free) of a concrete function's inputs and outputs."""
    specs = function.structured_input_signature
    inputs = {spec.name: spec for spec in [*specs[0], *specs[1].values()]}
    sides = {"inputs": inputs, "outputs": dict(function.structured_outputs)}
    return {
        side: {
            name: {
                "dtype": spec.dtype.name,
                "shape": [-1 if size is None else size for size in spec.shape],
            }
            for name, spec in of.items()
        }
        for side, of in sides.items()
    }
