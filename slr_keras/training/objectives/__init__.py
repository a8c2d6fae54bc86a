"""Training objectives: the loss of each clip, by model family."""
