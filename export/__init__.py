"""Export of trained runs: TFLite bundles and SavedModels, verified against the Keras model."""
