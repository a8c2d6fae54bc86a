"""Training objectives: how the loss of each clip is computed."""
