"""Connected dynamic time warping: a sentence as the best sequence of templates.

One-pass algorithm (Ney 1984): every template frame is a state. From one sentence frame to the next,
a path stays in its state, moves to the next state, or skips one state, so that a sign takes at
least half the duration of its template. A path at the end of a template may enter any template.
Entering a sign has a penalty, which balances insertions and deletions.
"""

from dataclasses import dataclass

import numpy as np

from slr_keras.baselines.dtw import TemplateBank
from slr_keras.baselines.segments import REST


@dataclass(frozen=True)
class ConnectedPath:
    """Best sequence of templates.

    Attributes:
        glosses: labels, rest excluded.
        spans: frames (start, end) of each gloss, end exclusive.
        cost: total cost of the path.
    """

    glosses: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    cost: float


class ConnectedWarper:
    """Aligns sentences with sequences of templates.

    Args:
        bank: templates; templates labelled `REST` emit nothing and have no entry penalty.

    >>> import numpy as np
    >>> from slr_keras.baselines.connected import ConnectedWarper
    >>> from slr_keras.baselines.dtw import TemplateBank
    >>> bank = TemplateBank([np.array([[0.0], [1.0]]), np.array([[4.0], [5.0]])], ["A", "B"])
    >>> sentence = np.array([[0.0], [1.0], [4.0], [4.0], [5.0]])
    >>> ConnectedWarper(bank).recognise(bank.local_distances(sentence), penalty=0.5).glosses
    ('A', 'B')
    """

    def __init__(self, bank: TemplateBank):
        self.bank = bank
        self._last = bank.starts + bank.lengths - 1
        states = len(bank.states)
        position = np.arange(states) - np.repeat(bank.starts, bank.lengths)
        self._block_one = np.where(position >= 1, 0, np.inf).astype(np.float32)
        self._block_two = np.where(position >= 2, 0, np.inf).astype(np.float32)
        self._charged = np.array([label != REST for label in bank.labels], np.float32)

    def recognise(self, local: np.ndarray, penalty: float) -> ConnectedPath:
        """Find the sequence of templates with the lowest cost.

        Args:
            local: `(frames, states)` from `TemplateBank.local_distances`; at least one frame.
            penalty: entry cost of every sign, in units of the local distance.
        """
        bank, frames = self.bank, len(local)
        cost = np.full(local.shape[1], np.inf, np.float32)
        entry = np.zeros(local.shape[1], np.int32)
        toll = penalty * self._charged
        finished = np.empty(frames + 1)
        finished[0] = 0.0
        template_at = np.full(frames + 1, -1)
        entry_at = np.zeros(frames + 1, np.int64)
        for t in range(frames):
            one, two = np.roll(cost, 1) + self._block_one, np.roll(cost, 2) + self._block_two
            go, skip = one < cost, two < np.minimum(cost, one)
            from_one, from_two = np.roll(entry, 1), np.roll(entry, 2)
            entry = np.where(skip, from_two, np.where(go, from_one, entry))
            cost = np.where(skip, two, np.where(go, one, cost))
            begin = finished[t] + toll
            enter = begin < cost[bank.starts]
            cost[bank.starts] = np.where(enter, begin, cost[bank.starts])
            entry[bank.starts] = np.where(enter, t, entry[bank.starts])
            cost = cost + local[t]
            best = int(cost[self._last].argmin())
            finished[t + 1] = cost[self._last[best]]
            template_at[t + 1], entry_at[t + 1] = best, entry[self._last[best]]
        if not np.isfinite(finished[frames]):
            # Too short for any complete template: take the best incomplete one.
            state = int(cost.argmin())
            best = int(np.searchsorted(bank.starts, state, side="right")) - 1
            finished[frames], template_at[frames] = cost[state], best
            entry_at[frames] = entry[state]
        glosses, spans, t = [], [], frames
        while t > 0:
            label, start = bank.labels[template_at[t]], int(entry_at[t])
            if label != REST:
                glosses.append(label)
                spans.append((start, t))
            t = start
        return ConnectedPath(tuple(glosses[::-1]), tuple(spans[::-1]), float(finished[frames]))
