"""Train STARK with JAX, for accelerators without TensorFlow.

Recipe, data, losses, optimiser and run folder are the same as in `slr fit`; only
`tf.distribute` and `tf.data` are replaced. This package does not import TensorFlow. Set
`KERAS_BACKEND=jax` before Keras is imported, as `slr fit_jax` does.
"""
