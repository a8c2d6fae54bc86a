"""Spans of a sample: the frames of each gloss."""

from slr_keras.data.sample import Sample
from slr_keras.utils.errors import UserError


def checked_spans(sample: Sample, spans: object) -> list[tuple[int, int]]:
    """Check the spans of a sample's glosses, `[start, end)` in frames.

    Returns:
        One (start, end) per gloss.

    Raises:
        UserError: the spans do not fit the glosses or the frames; names the sample.
    """
    try:
        pairs = [(int(start), int(end)) for start, end in spans]
    except (TypeError, ValueError) as error:
        raise UserError(
            f"sample {sample.id!r}: spans must be a list of [start, end] in frames ({error})"
        ) from error
    if len(pairs) != len(sample.glosses):
        raise UserError(
            f"sample {sample.id!r}: {len(pairs)} spans for {len(sample.glosses)} glosses; "
            "give one per gloss or none at all"
        )
    before = 0
    for start, end in pairs:
        # Annotated signs may overlap, but must be in order.
        if not before <= start < end <= sample.frames:
            raise UserError(
                f"sample {sample.id!r}: span [{start}, {end}) is empty, begins before the one "
                f"in front of it, or lies outside the {sample.frames} frames"
            )
        before = start
    return pairs
