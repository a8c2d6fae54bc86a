"""Sampling of gloss sequences from the decoder, for calibration.

See docs/papers/c2st.md §4 mode B, §6.3.
"""

import tensorflow as tf

# Shifts and factors of a 32-bit hash of low bias; its products fit in an int64.
_MIX = ((16, 0x21F0AAAD), (15, 0x735A2D97))
_SPREAD = 0x3C6EF372 | 1
_BITS = (1 << 32) - 1


def sample_hypotheses(model, level: str, logits, steps, count: int, longest, seeds, capacity=None):
    """Sample gloss sequences step by step, each step conditional on the glosses sampled before.

    The sequences of a clip depend on its own logits, seeds and `longest` alone, and not on the rest
    of the batch, the padding or the device.

    Args:
        model: a `C2st`.
        level: the level whose contexts are used, one of `LEVELS`.
        logits: A of that level, `(batch, steps, V)`.
        steps: `(batch,)` real steps.
        count: sequences per clip.
        longest: `(batch,)`, maximum number of glosses in a sequence of each clip.
        seeds: `(batch, words)` integers; equal rows give equal sequences.
        capacity: size of the last axis of the labels. Defaults to the maximum of `longest`,
            which is only known at run time; XLA needs a given number.

    Returns:
        labels `(batch, count, capacity)` int32, padded with 0, and their lengths `(batch, count)`.
        No gradient flows through the samples.
    """
    logits = tf.stop_gradient(tf.cast(logits, tf.float32))
    batch, time = tf.shape(logits)[0], tf.shape(logits)[1]
    longest = tf.cast(longest, tf.int32)
    capacity = tf.reduce_max(longest) if capacity is None else capacity
    rows = batch * count
    # Clip by clip: the samples of a clip are neighbours.
    logits, steps, longest, words = (
        tf.repeat(x, count, axis=0) for x in (logits, tf.cast(steps, tf.int32), longest, seeds)
    )
    sample = tf.tile(tf.range(count), [batch])
    words = tf.concat([tf.cast(words, tf.int64), tf.cast(sample, tf.int64)[:, None]], 1)
    branch = model.context if model.context is not None and level in model.fusion else None
    state = {} if branch is None else branch.language_model.initial_state(rows)

    def context_of(state):
        if branch is None:
            return tf.zeros((rows, model.vocabulary_size))
        vectors = branch.adapted(branch.language_model.vector(state))[level]
        return model.classify_context(level, vectors)

    def body(step, tokens, lengths, state, context):
        cumulative = tf.cumsum(tf.nn.softmax(logits[:, step] + context), axis=1)
        here = tf.fill([rows, 1], tf.cast(step, tf.int64))
        chosen = uniform(tf.concat([words, here], 1))[:, None] * cumulative[:, -1:]
        drawn = tf.reduce_sum(tf.cast(cumulative <= chosen, tf.int32), 1)
        emitted = (drawn > 0) & (step < steps) & (lengths < longest)
        gloss = tf.where(emitted, drawn, 0)
        place = tf.one_hot(lengths, capacity, dtype=tf.int32)
        tokens += place * gloss[:, None]
        lengths += tf.cast(emitted, tf.int32)
        if branch is not None:
            state = branch.language_model.extend(state, gloss)
            context = context_of(state)
        return step + 1, tokens, lengths, state, context

    _, tokens, lengths, _, _ = tf.while_loop(
        lambda step, *_: step < time,
        body,
        (
            0,
            tf.zeros((rows, capacity), tf.int32),
            tf.zeros((rows,), tf.int32),
            state,
            context_of(state),
        ),
        shape_invariants=(
            tf.TensorShape([]),
            tf.TensorShape([None, None]),
            tf.TensorShape([None]),
            {name: tf.TensorShape([None, *value.shape[1:]]) for name, value in state.items()},
            tf.TensorShape([None, model.vocabulary_size]),
        ),
    )
    tokens, lengths = tf.stop_gradient(tokens), tf.stop_gradient(lengths)
    return tf.reshape(tokens, (batch, count, capacity)), tf.reshape(lengths, (batch, count))


def uniform(words) -> tf.Tensor:
    """Pseudo-random numbers in [0, 1) with a seed for each row.

    TensorFlow's stateless generators take one seed for a whole tensor; here every row has its own.

    Args:
        words: `(rows, words)` integers, the seeds.

    Returns:
        `(rows,)` float32.

    >>> from slr_keras.models.c2st.sampling import uniform
    >>> first, second, again = uniform([[1, 2], [2, 1], [1, 2]]).numpy().tolist()
    >>> first == again, first == second, 0 <= first < 1
    (True, False, True)
    """
    words = tf.cast(words, tf.int64)
    state = tf.zeros(tf.shape(words)[:1], tf.int64)
    for word in tf.unstack(words, axis=1):
        # The factor is odd, so that every word counts and their order, too.
        state = _mixed((_SPREAD * state + word + 1) & _BITS)
    # float32 holds 24 bits exactly: 1 is never reached.
    return tf.cast(tf.bitwise.right_shift(state, 8), tf.float32) * 2.0**-24


def _mixed(bits) -> tf.Tensor:
    """Mix 32 bits: each bit of the result depends on all bits of the input."""
    for shift, factor in _MIX:
        bits = ((bits ^ tf.bitwise.right_shift(bits, shift)) * factor) & _BITS
    return bits ^ tf.bitwise.right_shift(bits, _MIX[-1][0])
