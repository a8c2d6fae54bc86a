"""Format a prediction as a document of ELAN, the annotation tool of sign language linguistics.

The format is EAF 3.0 (Max Planck Institute for Psycholinguistics, EAF Annotation Format, 2017). The
tier `gloss` holds the signs with their times. Each annotation of the tier `confidence` belongs to
one of them (constraint Symbolic_Association) and holds its confidence, 0 to 1.
"""

import mimetypes
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from slr_keras.recognition.clip import Gloss, Prediction
from slr_keras.recognition.subtitles import cues

GLOSS, CONFIDENCE = "gloss", "confidence"

_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
# The constraints that every document of ELAN describes.
_CONSTRAINTS = {
    "Time_Subdivision": "Time subdivision of parent annotation's time interval, no time gaps "
    "allowed within this interval",
    "Symbolic_Subdivision": "Symbolic subdivision of a parent annotation. Annotations refering to "
    "the same parent are ordered",
    "Symbolic_Association": "1-1 association with a parent annotation",
    "Included_In": "Time alignable annotations within the parent annotation's time interval, gaps "
    "are allowed",
}
# What XML 1.0 cannot hold.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_elan(
    prediction: Prediction,
    about: Mapping[str, Any],
    video: Path | None = None,
    folder: Path = Path(),
) -> str:
    """The signs of a clip as XML that ELAN opens.

    Times are milliseconds from the start of the clip. Annotations of a tier cannot overlap: a sign
    that does ends where the next one begins.

    Args:
        prediction: the clip and its signs.
        about: `run`, `model` and `vocabulary`, which become properties of the document.
        video: the clip's video file, which ELAN then shows; None: ELAN asks for one.
        folder: of the document, to which the link to the video is relative.

    >>> from slr_keras.recognition import Gloss, Prediction, to_elan
    >>> clip = Prediction("a", "a.npy", 50, 25.0, (Gloss("R&B", 0.2, 0.8, 0.97),))
    >>> document = to_elan(clip, {"run": "runs/demo"})
    >>> [line.strip() for line in document.splitlines() if "VALUE" in line]
    ... # doctest: +NORMALIZE_WHITESPACE
    ['<TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="200" />',
     '<TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="800" />',
     '<ANNOTATION_VALUE>R&amp;B</ANNOTATION_VALUE>',
     '<ANNOTATION_VALUE>0.97</ANNOTATION_VALUE>']
    """
    signs = in_turn(prediction)
    root = ElementTree.Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "slr_keras",
            "DATE": datetime.now(UTC).isoformat(timespec="seconds"),
            "FORMAT": "3.0",
            "VERSION": "3.0",
            "xmlns:xsi": _XSI,
            "xsi:noNamespaceSchemaLocation": _SCHEMA,
        },
    )
    _add_header(root, prediction, about, video, folder, 2 * len(signs))
    slots = _added(root, "TIME_ORDER")
    glosses = _added(root, "TIER", LINGUISTIC_TYPE_REF=GLOSS, TIER_ID=GLOSS)
    confidences = _added(
        root, "TIER", LINGUISTIC_TYPE_REF=CONFIDENCE, PARENT_REF=GLOSS, TIER_ID=CONFIDENCE
    )
    for number, (gloss, *times) in enumerate(signs):
        first, last = f"ts{2 * number + 1}", f"ts{2 * number + 2}"
        for name, time in zip((first, last), times, strict=True):
            _added(slots, "TIME_SLOT", TIME_SLOT_ID=name, TIME_VALUE=str(time))
        own = {"ANNOTATION_ID": f"a{number + 1}"}
        place = {"TIME_SLOT_REF1": first, "TIME_SLOT_REF2": last}
        _annotate(glosses, "ALIGNABLE_ANNOTATION", own | place, gloss.gloss)
        its = {"ANNOTATION_ID": f"a{len(signs) + number + 1}", "ANNOTATION_REF": f"a{number + 1}"}
        _annotate(confidences, "REF_ANNOTATION", its, f"{gloss.confidence:.2f}")
    _add_types(root)
    ElementTree.indent(root, "    ")
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def in_turn(prediction: Prediction) -> list[tuple[Gloss, int, int]]:
    """The signs with start and end in milliseconds, in order, none within another."""
    signs = sorted(cues(prediction), key=lambda sign: sign[1])
    apart: list[tuple[Gloss, int, int]] = []
    for number, (gloss, start, end) in enumerate(signs):
        start = max(start, apart[-1][2] if apart else 0)
        following = signs[number + 1][1] if number + 1 < len(signs) else end
        apart.append((gloss, start, max(min(end, following), start + 1)))
    return apart


def _add_header(
    root: ElementTree.Element,
    prediction: Prediction,
    about: Mapping[str, Any],
    video: Path | None,
    folder: Path,
    annotations: int,
) -> None:
    header = _added(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    if video is not None:
        kind = mimetypes.guess_type(video.name)[0] or ""
        relative = os.path.relpath(video.resolve(), folder.resolve()).replace(os.sep, "/")
        _added(
            header,
            "MEDIA_DESCRIPTOR",
            MEDIA_URL=video.resolve().as_uri(),
            MIME_TYPE=kind if kind.startswith("video/") else "video/*",
            RELATIVE_MEDIA_URL=quote(
                os.fsencode(relative if relative.startswith("../") else f"./{relative}")
            ),
        )
    known = {key: about[key] for key in ("run", "model", "vocabulary") if key in about}
    for name, value in {"clip": prediction.id, **known}.items():
        _added(header, "PROPERTY", NAME=name).text = _legal(value)
    _added(header, "PROPERTY", NAME="lastUsedAnnotationId").text = str(annotations)


def _add_types(root: ElementTree.Element) -> None:
    plain = {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": GLOSS, "TIME_ALIGNABLE": "true"}
    _added(root, "LINGUISTIC_TYPE", **plain)
    _added(
        root,
        "LINGUISTIC_TYPE",
        CONSTRAINTS="Symbolic_Association",
        GRAPHIC_REFERENCES="false",
        LINGUISTIC_TYPE_ID=CONFIDENCE,
        TIME_ALIGNABLE="false",
    )
    for stereotype, description in _CONSTRAINTS.items():
        _added(root, "CONSTRAINT", DESCRIPTION=description, STEREOTYPE=stereotype)


def _annotate(
    tier: ElementTree.Element, kind: str, attributes: Mapping[str, str], value: str
) -> None:
    annotation = _added(_added(tier, "ANNOTATION"), kind, **attributes)
    _added(annotation, "ANNOTATION_VALUE").text = _legal(value)


def _added(parent: ElementTree.Element, tag: str, **attributes: str) -> ElementTree.Element:
    return ElementTree.SubElement(parent, tag, attributes)


def _legal(value: object) -> str:
    return _ILLEGAL.sub("", " ".join(str(value).split()))
