"""Training of STARK with JAX, for accelerators without TensorFlow.

The recipe, the data, the arithmetic of losses and optimiser, and the run folder are those of
`slr_keras.fit`; only `tf.distribute` and `tf.data` are replaced. Nothing here imports TensorFlow.
Set `KERAS_BACKEND=jax` before Keras is imported; `python -m slr_keras.fit_jax` does.
"""
