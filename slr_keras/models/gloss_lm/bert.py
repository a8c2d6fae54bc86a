"""Context vectors of gloss prefixes from BERT (docs/papers/c2st.md §3)."""

import keras
from keras import ops

from slr_keras.models.gloss_lm.interface import GlossLanguageModel, State
from slr_keras.models.layers import PACKAGE
from slr_keras.utils.errors import UserError
from slr_keras.utils.extras import install

# Entry of the word piece table after the last piece of a gloss.
NOTHING = -1


@keras.saving.register_keras_serializable(PACKAGE)
class BertContext(GlossLanguageModel):
    """The [CLS] vector of "[CLS] y_1 ... y_t [SEP]" from keras-hub's BERT, frozen.

    The word pieces of every gloss are a weight of this layer, so that a recogniser's weights are
    complete without the BERT checkpoint and its tokenizer. `load_bert` fills both.

    Every prefix needs a forward pass of BERT. After `remember`, vectors are cached by prefix.

    The context of a prefix longer than `capacity` is that of its first `capacity` glosses. If the
    glosses have more word pieces than `longest`, BERT reads the last ones, which say most about the
    next gloss.

    The defaults are the sizes of BERT-base.

    Args:
        vocabulary_size: V, ids with the blank.
        width: size of a vector (hidden_dim). Defaults to `768`.
        blocks: number of Transformer blocks (num_layers). Defaults to `12`.
        heads: number of attention heads (num_heads). Defaults to `12`.
        feed_forward_width: width of the feed-forward layers (intermediate_dim). Defaults to `3072`.
        pieces: word pieces in BERT's vocabulary. Defaults to `30000`.
        longest: maximum number of word pieces in a sequence (max_sequence_length). Defaults to
            `512`.
        gloss_pieces: maximum number of word pieces of one gloss. Defaults to `16`.
        cased: whether the BERT vocabulary is cased, see `gloss_text`. Defaults to `True`.
        capacity: maximum number of glosses in a context. Defaults to `64`.

    Raises:
        UserError: keras-hub is not installed.
    """

    def __init__(
        self,
        vocabulary_size: int,
        width: int = 768,
        blocks: int = 12,
        heads: int = 12,
        feed_forward_width: int = 3072,
        pieces: int = 30000,
        longest: int = 512,
        gloss_pieces: int = 16,
        cased: bool = True,
        capacity: int = 64,
        **kwargs,
    ):
        super().__init__(vocabulary_size, width, **{**kwargs, "trainable": False})
        self.block_count = blocks
        self.heads = heads
        self.feed_forward_width = feed_forward_width
        self.pieces = pieces
        self.longest = longest
        self.gloss_pieces = gloss_pieces
        self.cased = cased
        self.capacity = capacity
        self.encoder = keras_hub().models.BertBackbone(
            vocabulary_size=pieces,
            num_layers=blocks,
            num_heads=heads,
            hidden_dim=width,
            intermediate_dim=feed_forward_width,
            max_sequence_length=longest,
            dtype=self.dtype_policy,
            name="encoder",
        )
        self.encoder.trainable = False
        # GPUs have no variables of 32-bit integers.
        table = {"initializer": keras.initializers.Constant(NOTHING), "dtype": "int64"}
        self.gloss_table = self.add_weight(
            name="glosses", shape=(vocabulary_size, gloss_pieces), trainable=False, **table
        )
        # [CLS] and [SEP].
        self.marks = self.add_weight(name="marks", shape=(2,), trainable=False, **table)
        self._table = None
        self.build()

    def remember(self, limit: int = 65536) -> None:
        """Cache vectors by prefix from now on; the weights must not change any more.

        Args:
            limit: maximum number of cached prefixes. The training set of PHOENIX-2014 has 54 000.
        """
        if keras.backend.backend() != "tensorflow":
            return
        from slr_keras.models.gloss_lm.prefix_table import PrefixTable

        self._table = PrefixTable(self.width, limit)

    @property
    def remembered(self) -> int:
        """Number of cached prefixes."""
        return 0 if self._table is None else len(self._table)

    def encode_prefixes(self, labels, label_lengths, training=False):
        labels = ops.cast(labels, "int32")
        batch, time = ops.shape(labels)
        lengths = ops.minimum(ops.cast(label_lengths, "int32"), self.capacity)
        counts = ops.minimum(ops.arange(time + 1, dtype="int32")[None, :], lengths[:, None])
        glosses = ops.repeat(labels, time + 1, axis=0)
        vectors = self._vectors(glosses, ops.reshape(counts, (-1,)))
        return ops.reshape(vectors, (batch, time + 1, self.width))

    def encode_whole(self, labels, label_lengths):
        lengths = ops.minimum(ops.cast(label_lengths, "int32"), self.capacity)
        return self._vectors(ops.cast(labels, "int32"), lengths)

    def initial_state(self, batch) -> State:
        return {
            "glosses": ops.zeros((batch, self.capacity), "int32"),
            "count": ops.zeros((batch,), "int32"),
        }

    def extend(self, state: State, gloss) -> State:
        gloss, count = ops.cast(gloss, "int32"), state["count"]
        goes_on = ops.logical_and(gloss > 0, count < self.capacity)
        here = ops.arange(self.capacity, dtype="int32")[None, :] == count[:, None]
        here = ops.logical_and(here, goes_on[:, None])
        return {
            "glosses": ops.where(here, gloss[:, None], state["glosses"]),
            "count": count + ops.cast(goes_on, "int32"),
        }

    def vector(self, state: State):
        return self._vectors(state["glosses"], state["count"])

    def _vectors(self, glosses, counts):
        """Vectors `(rows, width)` of the first `counts (rows,)` glosses of `(rows, places)`."""
        if self._table is None:
            return ops.stop_gradient(self._encode(glosses, counts))
        vectors = self._table.vectors(glosses, counts, self._encode)
        return ops.cast(vectors, self.compute_dtype)

    def _encode(self, glosses, counts):
        tokens, mask = self._tokens(glosses, counts)
        inputs = {"token_ids": tokens, "segment_ids": tokens * 0, "padding_mask": mask}
        return self.encoder(inputs, training=False)["sequence_output"][:, 0]

    def _tokens(self, glosses, counts):
        """Word pieces of prefixes between [CLS] and [SEP], and their mask."""
        rows, places = ops.shape(glosses)
        real = ops.arange(places, dtype="int32")[None, :] < counts[:, None]
        pieces = ops.take(self.gloss_table, ops.where(real, glosses, 0), axis=0)
        pieces = ops.cast(ops.reshape(pieces, (rows, places * self.gloss_pieces)), "int32")
        size = ops.shape(pieces)[1]
        # Real pieces move to the front and keep their order.
        order = ops.argsort(
            ops.where(pieces < 0, size, 0) + ops.arange(size, dtype="int32")[None, :], axis=1
        )
        total = ops.sum(ops.cast(pieces >= 0, "int32"), axis=1)
        kept = ops.minimum(total, self.longest - 2)
        place = ops.arange(ops.max(kept) + 2, dtype="int32")[None, :]
        index = ops.clip((total - kept)[:, None] + place - 1, 0, size - 1)
        index = ops.take_along_axis(ops.cast(order, "int32"), index, axis=1)
        inner = ops.take_along_axis(pieces, index, axis=1)
        begin, end = (ops.cast(self.marks[k], "int32") for k in (0, 1))
        tokens = ops.where(place == kept[:, None] + 1, end, ops.where(place == 0, begin, inner))
        mask = place <= kept[:, None] + 1
        return ops.where(mask, tokens, 0), ops.cast(mask, "int32")

    def get_config(self):
        names = "heads feed_forward_width pieces longest gloss_pieces cased capacity"
        own = {name: getattr(self, name) for name in names.split()}
        return {**super().get_config(), "blocks": self.block_count, **own}


def keras_hub():
    """Import keras-hub, which takes seconds.

    Raises:
        UserError: keras-hub is not installed.
    """
    try:
        import keras_hub
    except ImportError as error:
        raise UserError(f"BERT contexts need keras-hub ({error}); {install('lm')}") from error
    return keras_hub
