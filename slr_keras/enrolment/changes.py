"""What `slr enrol` does with enrolment files: enrol, add, merge, remove and rename."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slr_keras.enrolment.editing import joined, require_sign, without
from slr_keras.enrolment.encoding import DEFAULT, Encoder, open_encoder
from slr_keras.enrolment.enrolment import Enrolment
from slr_keras.enrolment.names import sign_name
from slr_keras.enrolment.recording import Take, enrol
from slr_keras.enrolment.storage import is_enrolment, read_enrolment
from slr_keras.utils.errors import UserError


@dataclass(frozen=True)
class Workplace:
    """The file to write, and the encoder of the signs in it.

    Attributes:
        to: enrolment file to write.
        before: enrolments whose signs go into it, too: an older file of this name, merged files.
        encoder: of all of them.
        name: under which the encoder was opened.
    """

    to: Path
    before: tuple[Enrolment, ...]
    encoder: Encoder
    name: str

    @classmethod
    def opened(
        cls, to: str, merged: Sequence[str] = (), encoder: str | None = None, replace: bool = False
    ) -> "Workplace":
        """Read the enrolments that stay, and open their encoder.

        Args:
            to: enrolment file to write; its signs stay, if it is there.
            merged: enrolment files whose signs are added.
            encoder: name or folder of the encoder; None: that of the files, else the default.
            replace: the signs of `to` do not stay.

        Raises:
            UserError: a file cannot be read, or files were made with different encoders.
        """
        path = Path(to)
        if not is_enrolment(path):
            raise UserError(f"--to {to}: an enrolment file is named .slr, as in my_signs.slr")
        keeps = path.exists() and not replace
        files = [*([to] if keeps else []), *merged]
        before = tuple(read_enrolment(file) for file in files)
        name = encoder or (before[0].encoder.name if before else DEFAULT)
        opened = open_encoder(name)
        for file, enrolment in zip(files, before, strict=True):
            enrolment.require_encoder(opened, file)
        return cls(path, before, opened, name)

    def with_takes(self, takes: Sequence[Take]) -> Enrolment:
        """The enrolments that stay, with new recordings.

        Raises:
            UserError: there is nothing to enrol.
        """
        new = [enrol(takes, self.encoder, self.name)] if takes or not self.before else []
        return joined([*self.before, *new], self.encoder)

    def repeated(self, takes: Sequence[Take], enrolment: Enrolment) -> int:
        """Number of recordings that `with_takes` kept once although they came twice."""
        given = sum(len(part.examples) for part in self.before) + len(takes)
        return given - len(enrolment.examples)


def removed(file: str, names: Sequence[str], encoder: str | None = None) -> Enrolment:
    """The signs of a file without some.

    Raises:
        UserError: the file cannot be read, or a sign is not in it.
    """
    enrolment = read_enrolment(file)
    names = [sign_name(name) for name in names]
    for name in names:
        require_sign(enrolment, name)
    return without(enrolment, names, open_encoder(encoder or enrolment.encoder.name))


def renamed(file: str, old: str, new: str) -> Enrolment:
    """The signs of a file, one with another name.

    Raises:
        UserError: the file cannot be read, the sign is not in it, or the new name is taken.
    """
    enrolment = read_enrolment(file)
    old, new = sign_name(old), sign_name(new)
    require_sign(enrolment, old)
    return enrolment.renamed(old, new)
