"""TFLite bundles of `python -m export.tflite`: reading and inference without TensorFlow."""
