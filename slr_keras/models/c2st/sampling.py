"""Gloss sequences drawn from the decoder, as hypotheses for calibration (§4 mode B, §6.3)."""

import tensorflow as tf


def sample_hypotheses(model, level: str, logits, steps, count: int, longest, seed):
    """Draw sequences step by step, each step given the glosses drawn before it.

    Args:
        model: a `C2st`.
        level: whose contexts are used.
        logits: A of that level, `(batch, steps, V)`.
        steps: `(batch,)` real steps.
        count: sequences per clip.
        longest: most glosses of a sequence; later ones are not emitted.
        seed: `(2,)` integers; equal seeds draw equal sequences.

    Returns:
        labels `(batch, count, longest)` int32, padded with 0, and their lengths `(batch, count)`.
        No gradient flows through the draws.
    """
    logits = tf.stop_gradient(tf.cast(logits, tf.float32))
    batch, time = tf.shape(logits)[0], tf.shape(logits)[1]
    rows = batch * count
    # Clip by clip: the samples of a clip are neighbours.
    logits = tf.repeat(logits, count, axis=0)
    steps = tf.repeat(tf.cast(steps, tf.int32), count)
    branch = model.context if model.context is not None and level in model.fusion else None
    state = {} if branch is None else branch.language_model.initial_state(rows)

    def context_of(state):
        if branch is None:
            return tf.zeros((rows, model.vocabulary_size))
        vectors = branch.adapted(branch.language_model.vector(state))[level]
        return model.classify_context(level, vectors)

    def body(step, tokens, lengths, state, context):
        drawn = tf.random.stateless_categorical(
            logits[:, step] + context, 1, seed=tf.stack([seed[0], seed[1] + step]), dtype=tf.int32
        )[:, 0]
        emitted = (drawn > 0) & (step < steps) & (lengths < longest)
        gloss = tf.where(emitted, drawn, 0)
        place = tf.one_hot(lengths, longest, dtype=tf.int32)
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
            tf.zeros((rows, longest), tf.int32),
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
    return tf.reshape(tokens, (batch, count, longest)), tf.reshape(lengths, (batch, count))
