"""Names of the signatures of a SavedModel, and of their inputs and outputs."""

DEFAULT, ENCODED, FEATURES = "serving_default", "serving_encoded", "serving_features"
GLOSSES, CONTEXT = "serving_glosses", "serving_context"
KEYPOINTS, FRAMES, FILES, LENGTHS = "keypoints", "frames", "encoded", "lengths"
LOGITS = "logits"
