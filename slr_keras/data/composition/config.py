"""Options of composed sentences."""

from dataclasses import dataclass
from typing import Literal

from slr_keras.data.checked_options import CheckedOptions
from slr_keras.utils.errors import UserError

ORDERS = ("random", "sentences", "ngram")


@dataclass(frozen=True)
class CompositionConfig(CheckedOptions):
    """Training sentences composed from clips of isolated signs; off by default.

    A sentence consists of clips of one signer, or of one `group` if the manifest names groups.
    Distances are in normalised units of the contract: widths of the shoulders for the
    normalisation `body`, half images for `image`.

    Attributes:
        fraction: fraction of the training clips that are composed; the others are clips of the
            train split as they are. 0: no composition.
        sentences: number of training clips of an epoch, composed and others together; null: the
            number of clips of the train split.
        order: order of the signs: "random" (no sign twice in a row), "sentences" (the sentences of
            `grammar`) or "ngram" (drawn from an n-gram model of the sentences of `grammar`).
        grammar: file of gloss sequences, one per line, words separated by spaces; empty: the
            sentences of the train split.
        grammar_order: order of the n-gram model, 2 for bigrams.
        words: least and most signs of a sentence; "sentences" keeps the lengths of the grammar.
        speed: range of the speed of a sentence, log-uniform; 2 is twice as fast as recorded.
        sign_speed: standard deviation of the logarithm of the speed of each sign.
        warp: standard deviation of the logarithm of the speed within a sign (four sections).
        cut: largest fraction of a clip that is cut off at its beginning and at its end, because
            signs in a sentence do not start from the rest position.
        transition: shortest and longest transition between two clips in seconds.
        transition_speed: range of the mean speed of the hands in a transition in normalised units
            per second, log-uniform; distance and speed give the duration.
        rest_ends: probability of a rest before the first sign, and of one after the last sign.
        rest_between: probability of a rest between two signs.
        rest_seconds: shortest and longest rest.
        rest_label: gloss that means "no sign"; removed from the glosses of all splits. Clips
            without glosses are clips of rest.
        silent: fraction of the composed sentences that are a rest without any sign.
        yaw: standard deviation of the turn of the body about the vertical axis in degrees, drawn
            for each clip; has no effect on keypoints without z.

    Raises:
        UserError: a value is out of range; names the field.

    >>> from slr_keras.data.composition.config import CompositionConfig
    >>> CompositionConfig(fraction=0.5, words=(2, 4)).order
    'random'
    """

    fraction: float = 0.0
    sentences: int | None = None
    order: Literal["random", "sentences", "ngram"] = "random"
    grammar: str = ""
    grammar_order: int = 2
    words: tuple[int, int] = (1, 6)
    speed: tuple[float, float] = (0.7, 1.4)
    sign_speed: float = 0.1
    warp: float = 0.2
    cut: float = 0.15
    transition: tuple[float, float] = (0.05, 0.6)
    transition_speed: tuple[float, float] = (2.0, 6.0)
    rest_ends: float = 0.5
    rest_between: float = 0.1
    rest_seconds: tuple[float, float] = (0.2, 1.0)
    rest_label: str = ""
    silent: float = 0.0
    yaw: float = 5.0

    def __post_init__(self) -> None:
        self._make_tuples()
        self._choice("order", ORDERS)
        for name in ("fraction", "rest_ends", "rest_between", "silent"):
            self._within(name, 0, 1)
        self._within("cut", 0, 0.45)
        self._within("grammar_order", 1, 9)
        for name in ("sign_speed", "warp"):
            self._within(name, 0, 1)
        self._within("yaw", 0, 90)
        if self.sentences is not None:
            self._within("sentences", 1, 100_000_000)
        for name in ("words", "speed", "transition_speed"):
            self._pair(name, positive=True)
        for name in ("transition", "rest_seconds"):
            self._pair(name, positive=False)

    def _pair(self, name: str, positive: bool) -> None:
        value = getattr(self, name)
        good = isinstance(value, tuple) and len(value) == 2 and 0 <= value[0] <= value[1] <= 1000
        if not good or (positive and value[0] < 0.001):
            above = "0.001 <= low" if positive else "0 <= low"
            raise UserError(
                f"{name} is {value}; it must be (low, high) with {above} <= high <= 1000"
            )
