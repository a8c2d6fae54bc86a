"""NIST's transcript format CTM: one gloss a line, with its time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from slr_keras.text.nist_words import NULL, Words, has_choices, refuse_ignored, without_star
from slr_keras.text.phoenix import EMPTY
from slr_keras.text.transcript import (
    Transcript,
    content,
    require_plain,
    require_words,
    time,
)
from slr_keras.utils.errors import UserError
from slr_keras.utils.unicode import composed

_GRID = 0.01
_BEGIN, _NEXT, _END = "<alt_begin>", "<alt>", "<alt_end>"


def read_ctm(path: str | Path, lines: list[str]) -> dict[str, Transcript]:
    """Parse `id channel start duration gloss [confidence]` lines, one gloss each.

    The glosses of a clip stand together and are put in order of their start. `[EMPTY]`, which
    the PHOENIX scripts write for a clip without glosses, is kept: sclite scores it as a word.
    (Those scripts write the end into the duration's field, so ends are only as good as the file.)

    Alternatives stand between the glosses `<ALT_BEGIN>`, `<ALT>` and `<ALT_END>`, which have `*`
    for start and duration; an empty alternative is no word.

    Raises:
        UserError: a malformed line, or a clip in two separate places; names file and line.
    """
    clips: dict[str, _Clip] = {}
    last = None
    for number, line in content(lines):
        where = f"{path}:{number}"
        fields = line.split()
        if not 5 <= len(fields) <= 8:
            raise UserError(
                f"{where}: a CTM line is `id channel start duration gloss [confidence]`, this one "
                f"has {len(fields)} field(s)"
            )
        name = composed(fields[0])
        if last in clips and name != last:
            clips[last].require_closed()
        clip = clips.setdefault(name, _Clip(fields[1], number, where))
        if clip.channel != fields[1] or (clip.first != number and name != last):
            raise UserError(
                f"{where}: clip {name!r} began in line {clip.first} and comes again; keep the "
                "glosses of a clip together, in one channel (sort the file by id)"
            )
        clip.add(fields, where)
        last = name
    if last in clips:
        clips[last].require_closed()
    return {name: clip.transcript(name) for name, clip in clips.items()}


@dataclass
class _Unit:
    """A gloss, or an alternation: its start, its glosses as TRN writes them, its words."""

    start: float
    glosses: tuple[str, ...]
    words: Words
    times: tuple[tuple[float, float], ...] = ()


@dataclass
class _Clip:
    """The lines of a clip so far, `alternatives` being those of an alternation under way."""

    channel: str
    first: int
    where: str
    units: list[_Unit] = field(default_factory=list)
    alternatives: list[list[_Unit]] | None = None

    def add(self, fields: list[str], where: str) -> None:
        gloss = composed(fields[4])
        tag = gloss.lower()
        if tag in (_BEGIN, _NEXT, _END):
            self._add_tag(tag, where)
            return
        if gloss in ("{", "}"):
            raise UserError(
                f"{where}: alternatives in a CTM file stand between <ALT_BEGIN>, <ALT> and "
                "<ALT_END>, not in braces"
            )
        refuse_ignored(gloss, where, "CTM")
        start, duration = time(fields[2]), time(fields[3])
        if start is None or duration is None:
            raise UserError(
                f"{where}: start and duration of a CTM line are seconds, fields 3 and 4; here "
                f"{fields[2]!r} and {fields[3]!r}"
            )
        if len(fields) > 5 and fields[5] != "NA" and time(fields[5].lstrip("-")) is None:
            raise UserError(
                f"{where}: one gloss to a CTM line; the sixth field is a confidence, here "
                f"{fields[5]!r}"
            )
        unit = _Unit(start, (gloss,), (without_star(gloss),), ((start, start + duration),))
        (self.units if self.alternatives is None else self.alternatives[-1]).append(unit)

    def _add_tag(self, tag: str, where: str) -> None:
        if (tag == _BEGIN) != (self.alternatives is None):
            raise UserError(
                f"{where}: alternatives begin with <ALT_BEGIN>, go on with <ALT> and end with "
                "<ALT_END>, without others inside"
            )
        if tag == _BEGIN:
            self.alternatives, self.where = [[]], where
        elif tag == _NEXT:
            if not self.alternatives[-1]:
                raise UserError(
                    f"{where}: an empty alternative stands last (sclite 2.4 loses the word behind "
                    "any other); put it before <ALT_END>"
                )
            self.alternatives.append([])
        else:
            self.units.append(_alternation(self.alternatives, where))
            self.alternatives = None

    def require_closed(self) -> None:
        if self.alternatives is not None:
            raise UserError(f"{self.where}: no <ALT_END> follows this <ALT_BEGIN>")

    def transcript(self, name: str) -> Transcript:
        units = sorted(self.units, key=lambda unit: unit.start)
        glosses = tuple(gloss for unit in units for gloss in unit.glosses)
        words = tuple(word for unit in units for word in unit.words)
        times = tuple(time for unit in units for time in unit.times)
        if len(times) != len(glosses):
            times = ()
        words = () if words == glosses and not has_choices(words) else words
        return Transcript(name, glosses, "", times, words=words, line=self.first)


def _alternation(alternatives: list[list[_Unit]], where: str) -> _Unit:
    starts = [unit.start for alternative in alternatives for unit in alternative]
    if not starts:
        raise UserError(f"{where}: an alternation without a word")
    glosses: list[str] = []
    words = []
    for alternative in alternatives:
        units = alternative or [_Unit(0, (NULL,), (NULL,))]
        glosses += ["/" if glosses else "{", *(gloss for unit in units for gloss in unit.glosses)]
        words.append(tuple(word for unit in units for word in unit.words))
    return _Unit(min(starts), (*glosses, "}"), (tuple(words),))


def format_ctm(path: str | Path, transcripts: Mapping[str, Transcript]) -> Iterable[str]:
    """Lines of a CTM file, sorted by id; `[EMPTY]` where a clip has no glosses.

    Without times the glosses are laid on a grid of 0.01 s, as the PHOENIX scripts do.
    """
    for name in sorted(transcripts):
        transcript = transcripts[name]
        require_words(path, transcript)
        require_plain(path, transcript, "CTM")
        times = transcript.times or tuple(
            (i * _GRID, (i + 1) * _GRID) for i in range(len(transcript.glosses))
        )
        if not transcript.glosses:
            yield f"{name} 1 0.000 {_GRID:.3f} {EMPTY}"
        for gloss, (start, end) in zip(transcript.glosses, times):
            yield f"{name} 1 {start:.3f} {end - start:.3f} {gloss}"
