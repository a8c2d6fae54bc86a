"""Read the gloss annotations of the published corpora."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slr_keras.text.nist_words import has_choices
from slr_keras.text.tables import read_header, read_table, whole_number
from slr_keras.text.transcript import Transcript, read_lines
from slr_keras.text.transcripts import read_transcripts
from slr_keras.utils.errors import UserError

# Column names by meaning, in the order of preference.
_ID = ("name", "id")
_GLOSSES = ("orth", "annotation", "gloss", "glosses")
_SIGNER = ("speaker", "signer")
_TEXT = ("translation", "text", "char")
_FRAMES = ("num_frames", "length")


@dataclass(frozen=True)
class Sentence:
    """One annotated clip, without its pictures.

    Attributes:
        id: the clip's name.
        glosses: the signs in order.
        signer: who signs, if the file says so.
        text: translation in a spoken language, if the file has one.
        frames: length, if the file says so, else None.
    """

    id: str
    glosses: tuple[str, ...]
    signer: str = ""
    text: str = ""
    frames: int | None = None


def read_corpus(path: str | Path) -> list[Sentence]:
    """Read the sentences of a corpus file in any of the published formats.

    * PHOENIX-2014-T `corpus.csv`: name|video|start|end|speaker|orth|translation
    * PHOENIX-2014 `corpus.csv`: id|folder|signer|annotation
    * CSL-Daily `video_map.txt`: index|name|length|gloss|char|word|postag
    * any table with a header and the columns id and gloss, such as Isharah's
    * without such a header: every format of `slr_keras.metrics.read_transcripts`, `.stm` among
      them, without text and length

    Args:
        path: the file.

    >>> import pathlib, tempfile
    >>> from slr_keras.data.datasets.corpus import read_corpus
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "dev.corpus.csv")
    ...     _ = path.write_text("id|folder|signer|annotation\\na|a/*.png|Signer01|RAIN  SOON\\n")
    ...     read_corpus(path)[0].glosses
    ('RAIN', 'SOON')

    Raises:
        UserError: the file cannot be read, has none of these formats, or has a duplicate id; names
            file and line.
    """
    path = Path(path)
    lines = read_lines(path)
    columns = read_header(path, lines)
    if not (set(columns) & set(_ID) and set(columns) & set(_GLOSSES)):
        return [
            Sentence(transcript.id, _one_choice(transcript, path), transcript.signer)
            for transcript in read_transcripts(path).values()
            if not transcript.ignored
        ]
    sentences: dict[str, Sentence] = {}
    for line, row in read_table(path, empty=True, lines=lines):
        sentence = _sentence(row, f"{path}:{line}")
        if not sentence.id or sentence.id in sentences:
            raise UserError(f"{path}:{line}: the id {sentence.id!r} is empty or there twice")
        sentences[sentence.id] = sentence
    return list(sentences.values())


def clip_name(name: str) -> str:
    """The last part of a clip's id.

    >>> from slr_keras.data.datasets.corpus import clip_name
    >>> clip_name("train/01April_2010_Thursday_heute-6703")
    '01April_2010_Thursday_heute-6703'
    """
    return name.rsplit("/", 1)[-1]


def _one_choice(transcript: Transcript, path: Path) -> tuple[str, ...]:
    if has_choices(transcript.words):
        raise UserError(
            f"{path}:{transcript.line}: sentence {transcript.id!r} has alternatives or @, which a "
            "model cannot learn; choose one alternative"
        )
    return transcript.glosses


def _sentence(row: Mapping[str, str], where: str) -> Sentence:
    def field(names: tuple[str, ...]) -> str:
        return next((row[name] for name in names if name in row), "")

    length = field(_FRAMES)
    frames = whole_number(length)
    if length and frames is None:
        raise UserError(f"{where}: the length {length!r} is not a number of frames")
    text = field(_TEXT)
    return Sentence(
        id=field(_ID),
        glosses=tuple(field(_GLOSSES).split()),
        signer=field(_SIGNER),
        # CSL-Daily separates the characters by spaces.
        text=text.replace(" ", "") if "char" in row else text,
        frames=frames,
    )
