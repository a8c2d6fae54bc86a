"""Bundles: what `python -m export.tflite` writes, read and run without TensorFlow."""
