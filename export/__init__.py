"""From a trained run to what is deployed: TFLite bundles, checked against the Keras model."""
