"""Format a prediction as subtitles for the video of its clip: WebVTT or SubRip."""

from collections.abc import Iterator, Mapping
from typing import Any

from slr_keras.recognition.clip import Gloss, Prediction


def cues(prediction: Prediction) -> Iterator[tuple[Gloss, int, int]]:
    """The signs with their start and end in whole milliseconds; each lasts at least one.

    >>> from slr_keras.recognition import Gloss, Prediction
    >>> from slr_keras.recognition.subtitles import cues
    >>> signs = (Gloss("A", 0.04, 0.2, 0.9), Gloss("B", 0.36, 0.3601, 0.8))
    >>> [times for _, *times in cues(Prediction("a", "a.npy", 50, 25.0, signs))]
    [[40, 200], [360, 361]]
    """
    for gloss in prediction.glosses:
        start = round(gloss.start * 1000)
        yield gloss, start, max(round(gloss.end * 1000), start + 1)


def to_webvtt(prediction: Prediction, about: Mapping[str, Any]) -> str:
    r"""WebVTT subtitles with one cue per sign, for the video of the clip.

    The header is a NOTE with the clip, the run and the digest of the vocabulary. The identifier of
    a cue is its number and confidence.

    >>> from slr_keras.recognition import Gloss, Prediction, to_webvtt
    >>> clip = Prediction("a", "a.npy", 50, 25.0, (Gloss("R&B", 0.2, 0.8, 0.97),))
    >>> print(to_webvtt(clip, {"run": "runs/demo", "vocabulary": "3fa9"}), end="")
    WEBVTT
    <BLANKLINE>
    NOTE
    clip: a
    run: runs/demo
    vocabulary: 3fa9
    <BLANKLINE>
    1 confidence 0.97
    00:00:00.200 --> 00:00:00.800
    R&amp;B
    """
    note = {"clip": prediction.id, **about}
    keys = ("clip", "run", "vocabulary")
    header = "\n".join(f"{key}: {_note(note[key])}" for key in keys if key in note)
    blocks = ["WEBVTT", f"NOTE\n{header}"]
    for number, (gloss, start, end) in enumerate(cues(prediction), start=1):
        blocks.append(
            f"{number} confidence {gloss.confidence:.2f}\n"
            f"{_clock(start)} --> {_clock(end)}\n{_escape(gloss.gloss)}"
        )
    return "\n\n".join(blocks) + "\n"


def to_subrip(prediction: Prediction) -> str:
    """SubRip subtitles with one cue per sign, for the video of the clip.

    The format has neither comments nor escapes: a gloss is written as it is, on one line.

    >>> from slr_keras.recognition import Gloss, Prediction, to_subrip
    >>> clip = Prediction("a", "a.npy", 50, 25.0, (Gloss("R&B", 0.2, 0.8, 0.97),))
    >>> print(to_subrip(clip), end="")
    1
    00:00:00,200 --> 00:00:00,800
    R&B
    """
    blocks = [
        f"{number}\n{_clock(start, ',')} --> {_clock(end, ',')}\n{' '.join(gloss.gloss.split())}\n"
        for number, (gloss, start, end) in enumerate(cues(prediction), start=1)
    ]
    return "\n".join(blocks)


def _clock(milliseconds: int, point: str = ".") -> str:
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{milliseconds:03}"


def _escape(text: str) -> str:
    # ">" too, because a cue must not contain "-->".
    text = " ".join(text.split())
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _note(value: object) -> str:
    # Readers do not unescape notes; only the arrow and line breaks are forbidden there.
    return " ".join(str(value).split()).replace("-->", "->")
