"""A reader of pickles that executes no code."""
