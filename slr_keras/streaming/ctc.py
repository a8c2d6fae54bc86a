"""Incremental CTC decoding: the best sequence so far, and its stable prefix."""

from collections import deque
from typing import Protocol

import numpy as np

from slr_keras.decoding import DecodingConfig, Hypothesis, NgramLanguageModel
from slr_keras.decoding.ctc import best_paths
from slr_keras.decoding.greedy import greedy
from slr_keras.decoding.hypothesis import (
    BLANK,
    collapse_repeats,
    confidences_of,
    log_softmax,
    merge_repeats,
)
from slr_keras.decoding.prefix_beam import PrefixSearch
from slr_keras.utils.errors import UserError

Prefix = tuple[int, ...]


class StepDecoder(Protocol):
    """Decodes one sentence step by step."""

    #: The best sequence for the steps so far.
    best: Prefix

    def advance(self, step: np.ndarray) -> None:
        """Add the log-probabilities `(classes,)` of one step."""

    def so_far(self) -> Hypothesis:
        """`best`, with spans and confidences."""

    def finish(self) -> Hypothesis:
        """The final sentence, equal to that of the decoder of complete clips."""


class GreedySteps(StepDecoder):
    """Greedy decoding: the best class of every step; `best` only grows.

    >>> import numpy as np
    >>> from slr_keras.streaming.ctc import GreedySteps
    >>> decoder = GreedySteps()
    >>> for step in np.log([[0.1, 0.8, 0.1], [0.1, 0.7, 0.2], [0.2, 0.1, 0.7]]):
    ...     decoder.advance(step)
    >>> decoder.best
    (1, 2)
    """

    def __init__(self, merge: bool = False):
        self.best: Prefix = ()
        self._merge = merge
        self._last = BLANK
        self._steps: list[np.ndarray] = []

    def advance(self, step: np.ndarray) -> None:
        """See `StepDecoder`."""
        self._steps.append(step)
        label = int(step.argmax())
        if label not in (BLANK, self._last) and not (self._merge and self.best[-1:] == (label,)):
            self.best = (*self.best, label)
        self._last = label

    def so_far(self) -> Hypothesis:
        """See `StepDecoder`."""
        return self.finish()

    def finish(self) -> Hypothesis:
        """See `StepDecoder`."""
        hypothesis = greedy(_stacked(self._steps))
        return merge_repeats(hypothesis) if self._merge else hypothesis


class BeamSteps(StepDecoder):
    """Prefix beam search; the final ranking uses the full CTC sums of the sequences.

    Args:
        config: of the run, with method "beam".
        language_model: if the config asks for one.
    """

    def __init__(self, config: DecodingConfig, language_model: NgramLanguageModel | None = None):
        self.best: Prefix = ()
        self._config = config
        self._language_model = language_model if config.language_model_order else None
        self._steps: list[np.ndarray] = []
        self._search: PrefixSearch | None = None

    def advance(self, step: np.ndarray) -> None:
        """See `StepDecoder`."""
        step = log_softmax(np.asarray(step, np.float64))
        if self._search is None:
            config = self._config
            self._search = PrefixSearch(
                len(step),
                config.beam,
                self._language_model,
                config.language_model_weight,
                config.insertion_bonus,
                config.candidates_per_step,
            )
        self._steps.append(step)
        self._search.advance(step)
        best = self._search.prefixes[0]
        self.best = collapse_repeats(best) if self._config.collapse_repeats else best

    def so_far(self) -> Hypothesis:
        """See `StepDecoder`."""
        if self._search is None:
            return Hypothesis((), 0.0)
        steps, ids = _stacked(self._steps), self._search.prefixes[0]
        (path,) = best_paths(steps, [ids])
        confidences = confidences_of(steps, ids, path.spans)
        hypothesis = Hypothesis(ids, path.log_probability, path.spans, confidences)
        return merge_repeats(hypothesis) if self._config.collapse_repeats else hypothesis

    def finish(self) -> Hypothesis:
        """See `StepDecoder`."""
        if self._search is None:
            return Hypothesis((), 0.0)
        return self._search.ranked(_stacked(self._steps), self._config.collapse_repeats)[0]


def step_decoder(
    config: DecodingConfig, language_model: NgramLanguageModel | None = None
) -> StepDecoder:
    """The decoder of one sentence that a configuration asks for.

    Raises:
        UserError: the configuration decodes single signs.
    """
    if config.method == "single":
        raise UserError(
            "decoding.method single decodes one sign for each clip; a stream needs greedy or beam"
        )
    if config.method == "greedy":
        return GreedySteps(config.collapse_repeats)
    return BeamSteps(config, language_model)


class StablePrefix:
    """Emits a gloss once the best sequence has contained it for some steps.

    A gloss that leaves the best sequence later is withdrawn.

    Args:
        steps: number of steps; 0 emits a gloss at once.

    Attributes:
        said: glosses that were emitted and not withdrawn.
        revisions: number of withdrawn glosses.

    >>> from slr_keras.streaming.ctc import StablePrefix
    >>> stable = StablePrefix(steps=1)
    >>> [stable.advance(best) for best in [(4,), (4, 7), (4, 8), (4, 8)]]
    [(0, ()), (0, (4,)), (0, ()), (0, (8,))]
    """

    def __init__(self, steps: int):
        self.said: Prefix = ()
        self.revisions = 0
        self._recent: deque[Prefix] = deque(maxlen=steps + 1)

    def advance(self, best: Prefix) -> tuple[int, Prefix]:
        """How many of the last glosses are withdrawn, and the glosses that are emitted now."""
        self._recent.append(best)
        if len(self._recent) < self._recent.maxlen:
            return 0, ()
        stable = self._recent[0]
        for other in self._recent:
            stable = stable[: _common(stable, other)]
        kept = _common(self.said, best)
        return self._say(kept, stable[kept:] if len(stable) > kept else ())

    def finish(self, sentence: Prefix) -> tuple[int, Prefix]:
        """As `advance` at the end: withdraw what the sentence lacks, emit what is missing."""
        kept = _common(self.said, sentence)
        return self._say(kept, sentence[kept:])

    def _say(self, kept: int, more: Prefix) -> tuple[int, Prefix]:
        taken = len(self.said) - kept
        self.revisions += taken
        self.said = (*self.said[:kept], *more)
        return taken, more


def _common(one: Prefix, other: Prefix) -> int:
    """Length of the common prefix of two sequences."""
    count = 0
    while count < min(len(one), len(other)) and one[count] == other[count]:
        count += 1
    return count


def _stacked(steps: list[np.ndarray]) -> np.ndarray:
    return np.stack(steps) if steps else np.zeros((0, 2))
