"""Remove the gloss that means "no sign" from the labels of clips."""

import dataclasses

from slr_keras.data.manifest import Manifest
from slr_keras.data.sample import Sample
from slr_keras.data.spans import checked_spans


def without_rest(manifest: Manifest, label: str) -> Manifest:
    """The clips of a manifest without the gloss of rest and its spans.

    Args:
        manifest: the clips.
        label: gloss that means "no sign"; empty: the manifest is returned as it is.

    >>> from slr_keras.data.composition.rest import without_rest
    >>> from slr_keras.data.manifest import Manifest
    >>> from slr_keras.data.sample import Sample
    >>> clips = Manifest("dev.jsonl", [Sample("a", ("-", "RAIN"), 9), Sample("b", ("-",), 7)])
    >>> [sample.glosses for sample in without_rest(clips, "-")]
    [('RAIN',), ()]
    """
    if not label:
        return manifest
    return manifest.relabelled(_without(sample, label) for sample in manifest)


def _without(sample: Sample, label: str) -> Sample:
    if label not in sample.glosses:
        return sample
    kept = [number for number, gloss in enumerate(sample.glosses) if gloss != label]
    extra = dict(sample.extra)
    if "spans" in extra:
        spans = checked_spans(sample, extra["spans"])
        extra["spans"] = [list(spans[number]) for number in kept]
    glosses = tuple(sample.glosses[number] for number in kept)
    return dataclasses.replace(sample, glosses=glosses, extra=extra)
