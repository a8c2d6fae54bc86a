"""TFLite bundles of `slr tflite`: reading and inference without TensorFlow."""
