"""Decoding options, as they stand in a configuration file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slr_keras.utils.errors import UserError

METHODS = ("greedy", "beam", "single")


@dataclass(frozen=True)
class DecodingConfig:
    """Decoding options, validated on construction.

    Attributes:
        method: "greedy" (best class per step), "beam" (prefix beam search), or "single" (clips of
            one gloss: the gloss with the greatest exact probability).
        beam: prefixes kept per step.
        collapse_repeats: merge equal neighbours after decoding, as MSKA and STARK do
            (docs/papers/stark.md §2.4). If False, a repeated sign is reported twice.
        language_model_order: order n of the n-gram gloss language model trained on the training
            sentences; 0 for none. Requires method "beam".
        language_model_weight: factor of the language model's log-probability; the recogniser's
            has factor 1.
        insertion_bonus: added per gloss of a hypothesis; below 0 it favours shorter sequences.
            Requires method "beam".
        candidates_per_step: glosses by which the beam extends each prefix per step; 0, the
            default, means all.
        heads: heads averaged in the reported ensemble; empty, the default, means all. A head that
            sees one hand only is unreliable where the other hand signs.
        blank_penalty: conditional gloss decoders (C²ST) only: subtracted from the blank's logit;
            above 0 it favours longer sequences.
        context_scale: conditional gloss decoders only: factor of the context scores.

    Raises:
        UserError: an invalid value; names the field and the valid values.

    >>> from slr_keras.decoding import DecodingConfig
    >>> DecodingConfig(method="beam", beam=5).language_model_order
    0
    """

    method: str = "beam"
    beam: int = 5
    collapse_repeats: bool = False
    language_model_order: int = 0
    language_model_weight: float = 0.3
    insertion_bonus: float = 0.0
    candidates_per_step: int = 0
    heads: tuple[str, ...] = ()
    blank_penalty: float = 0.0
    context_scale: float = 1.0

    def __post_init__(self):
        if self.method not in METHODS:
            _invalid("method", self.method, f"one of {', '.join(METHODS)}")
        _check_integer("beam", self.beam, 1, 10_000)
        if not isinstance(self.collapse_repeats, bool):
            _invalid("collapse_repeats", self.collapse_repeats, "true or false")
        _check_integer("language_model_order", self.language_model_order, 0, 20)
        _check_integer("candidates_per_step", self.candidates_per_step, 0, 1_000_000)
        _check_number("language_model_weight", self.language_model_weight, 0.0)
        _check_number("insertion_bonus", self.insertion_bonus, -100.0)
        _check_number("blank_penalty", self.blank_penalty, -100.0)
        _check_number("context_scale", self.context_scale, 0.0)
        names = self.heads
        if not isinstance(names, list | tuple) or not all(isinstance(n, str) for n in names):
            _invalid("heads", names, "a list of names of heads")
        object.__setattr__(self, "heads", tuple(names))
        if self.method != "beam":
            if self.language_model_order:
                _invalid(
                    "language_model_order", self.language_model_order, "0 unless method is beam"
                )
            if self.insertion_bonus:
                _invalid("insertion_bonus", self.insertion_bonus, "0 unless method is beam")

    @classmethod
    def from_metadata(cls, value: Mapping[str, Any], where: object) -> "DecodingConfig":
        """The decoding that the metadata of an exported model states.

        Args:
            value: options by name.
            where: name of the file, for messages.

        Raises:
            UserError: an option is unknown or not valid; names the file and the option.
        """
        for name in value:
            if name not in cls.__dataclass_fields__:
                raise UserError(f"{where}: unknown option {name!r} in 'decoding'")
        try:
            return cls(**value)
        except UserError as error:
            raise UserError(f"{where}: {error}; export the run again") from None


def _shown(value: object) -> str:
    return repr(value)[:80]


def _check_integer(name: str, value: object, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        _invalid(name, value, f"a whole number, at least {least} and at most {most:,}")


def _check_number(name: str, value: object, least: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= 100.0:
        _invalid(name, value, f"a number in {least:g}..100")


def _invalid(name: str, value: object, expected: str) -> None:
    raise UserError(f"decoding.{name}: {_shown(value)} must be {expected}")
