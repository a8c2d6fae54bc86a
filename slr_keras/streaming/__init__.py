"""Streaming recognition with STARK (docs/papers/stark.md §6) and with SignConv.

A `step_model` reads a few frames at a time and passes its state in and out: `model` is that of
STARK, `sign_conv` that of SignConv, and `inputs` computes the features of their points. The other
modules are plain NumPy, so that an app can repeat them function by function: `landmarks` (gaps and
coordinates), `endpoint` (ends of sentences), `ctc` (incremental decoding), `engine` (computation of
the scores) and `recogniser`, which combines them.
"""
