"""How to decode, as a frozen record that a configuration file can hold."""

from dataclasses import dataclass

from slr_keras.utils.errors import UserError

METHODS = ("greedy", "beam", "single")


@dataclass(frozen=True)
class DecodingConfig:
    """Decoding options; validated when made.

    Attributes:
        method: "greedy" (best class per step), "beam" (prefix beam search), or "single" (clips of
            one gloss: the gloss with the greatest exact probability).
        beam: prefixes kept per step.
        collapse_repeats: merge equal neighbours after decoding, as MSKA and STARK do
            (specs/stark.md §2.4). Off, a sign made twice is reported twice.
        language_model_order: n of the n-gram gloss language model trained on the training
            sentences; 0 for none. Needs method "beam".
        language_model_weight: of its log-probability beside that of the recogniser.
        insertion_bonus: added per gloss of a hypothesis; below 0 it favours shorter sequences.
            Needs method "beam".
        candidates_per_step: glosses the beam tries per step; 0, the default, tries all.
        heads: whose mean is the ensemble that is reported; empty, the default, takes all heads.
            A head that sees one hand only says little where the other hand signs.
        blank_penalty: conditional gloss decoders (C²ST) only: taken from the blank's logit; above 0
            it favours longer sequences.
        context_scale: conditional gloss decoders only: of what the glosses so far add to the
            logits.

    Raises:
        UserError: names the field and what it may be.

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
            _wrong("method", self.method, f"one of {', '.join(METHODS)}")
        _whole("beam", self.beam, 1)
        if not isinstance(self.collapse_repeats, bool):
            _wrong("collapse_repeats", self.collapse_repeats, "true or false")
        _whole("language_model_order", self.language_model_order, 0)
        _whole("candidates_per_step", self.candidates_per_step, 0)
        _number("language_model_weight", self.language_model_weight, 0.0)
        _number("insertion_bonus", self.insertion_bonus, -100.0)
        _number("blank_penalty", self.blank_penalty, -100.0)
        _number("context_scale", self.context_scale, 0.0)
        names = self.heads
        if not isinstance(names, list | tuple) or not all(isinstance(n, str) for n in names):
            _wrong("heads", names, "a list of names of heads")
        object.__setattr__(self, "heads", tuple(names))
        if self.method != "beam":
            if self.language_model_order:
                _wrong("language_model_order", self.language_model_order, "0 unless method is beam")
            if self.insertion_bonus:
                _wrong("insertion_bonus", self.insertion_bonus, "0 unless method is beam")


def _whole(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        _wrong(name, value, f"a whole number, at least {least}")


def _number(name: str, value: object, least: float) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not least <= value <= 100.0:
        _wrong(name, value, f"a number in {least:g}..100")


def _wrong(name: str, value: object, expected: str) -> None:
    raise UserError(f"decoding.{name}: {value!r} must be {expected}")
