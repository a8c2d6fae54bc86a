"""Files that every exported form of a run contains: contract, labels, gloss language model."""

from pathlib import Path
from typing import TYPE_CHECKING

from slr_keras.data.modality import Output
from slr_keras.data.vocabulary import Vocabulary
from slr_keras.decoding import DecodingConfig, NgramLanguageModel
from slr_keras.utils.errors import UserError
from slr_keras.utils.files import read_text, write_text

if TYPE_CHECKING:
    from slr_keras.training.run import Run

LABELS, LANGUAGE_MODEL = "labels.txt", "language_model.json"


def labels(vocabulary: Vocabulary, output: Output) -> tuple[str, ...]:
    """The meaning of each column of the scores: tokens, or for "sign" the glosses alone.

    >>> from slr_keras.bundle.exported_files import labels
    >>> from slr_keras.data.vocabulary import Vocabulary
    >>> labels(Vocabulary(("RAIN",)), "glosses")
    ('<blank>', '<unk>', 'RAIN')
    >>> labels(Vocabulary(("RAIN",)), "sign")
    ('RAIN',)
    """
    return vocabulary.glosses if output == "sign" else vocabulary.tokens


def write_exported_files(run: "Run", folder: Path) -> None:
    """Write contract, labels and, if the run decodes with one, the gloss language model.

    Args:
        run: that is exported.
        folder: exists.
    """
    run.contract.write(folder / run.contract.file)
    write_text(folder / LABELS, "\n".join(labels(run.vocabulary, run.output)) + "\n")
    if (language_model := run.language_model()) is not None:
        language_model.save(folder / LANGUAGE_MODEL)


def read_labels(path: Path, output: Output) -> Vocabulary:
    """The vocabulary in a file of labels.

    Raises:
        UserError: the file is missing or is no vocabulary.
    """
    if output == "sign":
        tokens = tuple(read_text(path).removesuffix("\n").split("\n"))
        try:
            return Vocabulary(tokens)
        except UserError as error:
            raise UserError(f"{path}: {error}") from error
    return Vocabulary.read(path, as_written=True)


def read_language_model(
    folder: Path, vocabulary: Vocabulary, decoding: DecodingConfig, verb: str
) -> NgramLanguageModel | None:
    """The gloss language model that a decoding config asks for; None if it asks for none.

    Args:
        folder: of the exported files.
        vocabulary: of the model.
        decoding: its order decides which language model is needed.
        verb: "export" or "serve", for the message.

    Raises:
        UserError: the folder has no language model, or one of another order.
    """
    order = decoding.language_model_order
    if not order:
        return None
    language_model = NgramLanguageModel.kept(folder / LANGUAGE_MODEL, vocabulary.digest, order)
    if language_model is None:
        raise UserError(
            f"{folder}: holds no gloss language model of order {order}; decode without, or "
            f"{verb} a run that decodes with it"
        )
    return language_model
