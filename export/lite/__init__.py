"""TFLite bundles."""
