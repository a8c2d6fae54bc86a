"""Recognition while the signing goes on (specs/stark.md §6).

`model` is STARK a few frames at a time, with its state going in and out; everything else is plain
NumPy, function by function, so that a phone does the same: `landmarks` (gaps and coordinates),
`endpoint` (where sentences end), `ctc` (glosses from scores as they come), `engine` (who computes
the scores) and `recogniser`, which joins them.
"""
