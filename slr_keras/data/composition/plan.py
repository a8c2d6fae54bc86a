"""Plan of a composed sentence: which frames of which clips, and how long the transitions are.

The plan of a sentence determines its length, its glosses and their spans. Drawing it needs the
paths of the hands only, so that batches can be planned before any sentence is rendered.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from slr_keras.data.composition.config import CompositionConfig
from slr_keras.data.composition.grammar import Glosses, Order, make_order
from slr_keras.data.composition.pool import ClipPool, Group
from slr_keras.data.sampling import REDUCTION
from slr_keras.utils.errors import UserError

# Bounds of the sections of a sign, which have speeds of their own.
_SECTIONS = np.linspace(0, 1, 5)
# Probability that a rest is a clip of rest rather than a held pose, where both are possible.
_REST_CLIP = 0.5


@dataclass(frozen=True)
class Part:
    """A piece of a clip in a sentence.

    Attributes:
        row: clip in the pool.
        gloss: the sign; empty for rests and held poses.
        positions: `(frames,)` frames of the clip, fractional, ascending.
        before: frames of the transition in front of the piece.
        yaw: turn of the body about the vertical axis in radians.
    """

    row: int
    gloss: str
    positions: np.ndarray
    before: int = 0
    yaw: float = 0.0

    def held(self, place: int, frames: int) -> "Part":
        """The pose at the first (0) or the last (-1) frame, held for a number of frames."""
        positions = np.full(frames, self.positions[place])
        return Part(self.row, "", positions, 0, self.yaw)


@dataclass(frozen=True)
class SentencePlan:
    """The pieces of a sentence.

    Attributes:
        parts: the pieces in order.
    """

    parts: tuple[Part, ...]

    @cached_property
    def ends(self) -> np.ndarray:
        """`(parts,)` frame after the last of every piece."""
        return np.cumsum([part.before + len(part.positions) for part in self.parts])

    @property
    def frames(self) -> int:
        """Number of frames of the sentence."""
        return int(self.ends[-1])

    @property
    def signs(self) -> list[tuple[int, int, int]]:
        """Row, first frame and end of every sign."""
        return [
            (part.row, int(end) - len(part.positions), int(end))
            for part, end in zip(self.parts, self.ends)
            if part.gloss
        ]

    @property
    def glosses(self) -> Glosses:
        """The glosses of the signs."""
        return tuple(part.gloss for part in self.parts if part.gloss)

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Frames [start, end) of every sign."""
        return [(start, end) for _, start, end in self.signs]


class Planner:
    """Draws plans of sentences from the clips of a pool.

    Args:
        pool: the clips.
        config: how sentences are composed.
        fps: frames per second of the clips.
        max_frames: longest sentence; further signs are left out.
        sentences: sentences of the grammar, for the orders that need one.
        multiple: the last pose is held until the number of frames is a multiple of this number.

    Attributes:
        most_signs: largest number of signs of a sentence.

    Raises:
        UserError: no sentence can be composed of the clips.
    """

    def __init__(
        self,
        pool: ClipPool,
        config: CompositionConfig,
        fps: float,
        max_frames: int,
        sentences: Sequence[Glosses] = (),
        multiple: int = REDUCTION,
    ):
        self.pool = pool
        self.config = config
        self.fps = fps
        self.max_frames = max_frames
        self.multiple = multiple
        self.most_signs = config.words[1]
        if config.order == "sentences":
            self.most_signs = max(map(len, sentences), default=0)
        self.orders: list[tuple[Group, Order]] = []
        for group in pool.groups.values():
            words, ngram = config.words, config.grammar_order
            order = make_order(config.order, group.signs, words, sentences, ngram)
            if order is not None:
                self.orders.append((group, order))
        if not self.orders:
            raise UserError(
                "composition.grammar: no sentence of the grammar can be made of the clips of one "
                "signer; give sentences of the signs in the data"
            )
        signs = np.array([len(group.signs) for group, _ in self.orders])
        # Every sign is equally frequent, whatever number of signs a group has.
        self._reach = np.cumsum(signs) / signs.sum()
        self._resting = [group for group in pool.groups.values() if group.rests]
        if config.silent and not self._resting:
            raise UserError(
                f"composition.silent is {config.silent:g}, but no clip shows a rest; add clips "
                "without glosses or set composition.rest_label"
            )

    def draw(self, rng: np.random.Generator) -> SentencePlan:
        """Draw the plan of a sentence."""
        config = self.config
        speed = _log_uniform(rng.random(), config.speed)
        if rng.random() < config.silent:
            return self._silent(rng, speed)
        number = int(np.searchsorted(self._reach, rng.random(), side="right"))
        group, order = self.orders[number]
        parts: list[Part] = []
        for gloss in order.draw(rng):
            rows = group.signs[gloss]
            sign = self._sign(rng, rows[int(rng.integers(len(rows)))], gloss, speed)
            if not parts:
                # The first sign is always there; only the rest in front of it may not fit.
                sign = replace(sign, positions=sign.positions[: self.max_frames])
                before = self._rest(rng, group, sign, 0, config.rest_ends)
                parts = self._joined(rng, before, [sign]) or [sign]
                continue
            between = self._rest(rng, group, parts[-1], -1, config.rest_between)
            longer = self._joined(rng, parts, [*between, sign])
            if longer is None:
                break
            parts = longer
        after = self._rest(rng, group, parts[-1], -1, config.rest_ends)
        return self._finished(self._joined(rng, parts, after) or parts)

    def silent(self, rng: np.random.Generator, group: Group, clips: int) -> SentencePlan:
        """Draw a rest of some clips of rest of a group, without any sign."""
        speed = _log_uniform(rng.random(), self.config.speed)
        return self._finished(self._still(rng, group, clips, speed))

    def _silent(self, rng: np.random.Generator, speed: float) -> SentencePlan:
        group = self._resting[int(rng.integers(len(self._resting)))]
        clips = int(rng.integers(*self.config.words, endpoint=True))
        return self._finished(self._still(rng, group, clips, speed))

    def _still(
        self, rng: np.random.Generator, group: Group, clips: int, speed: float
    ) -> list[Part]:
        parts: list[Part] = []
        for row in rng.choice(group.rests, clips).tolist():
            rest = self._sign(rng, row, "", speed)
            if not parts:
                parts = [replace(rest, positions=rest.positions[: self.max_frames])]
                continue
            parts = self._joined(rng, parts, [rest]) or parts
        return parts

    def _sign(self, rng: np.random.Generator, row: int, gloss: str, speed: float) -> Part:
        """A clip with cut ends, at its own speed, which varies within the clip."""
        config, last = self.config, self.pool.clips[row].frames - 1
        begin, tail = (rng.random(2) * config.cut * last).tolist()
        speed *= math.exp(config.sign_speed * rng.standard_normal())
        # At least the frames that CTC needs for a sign.
        frames = max(round((last - begin - tail + 1) / speed), REDUCTION)
        time = np.arange(frames) / (frames - 1)
        pace = np.exp(config.warp * rng.standard_normal(len(_SECTIONS) - 1))
        if config.warp:
            reached = np.zeros(len(_SECTIONS))
            np.cumsum(pace, out=reached[1:])
            time = np.interp(time, _SECTIONS, reached / reached[-1])
        yaw = math.radians(config.yaw * rng.standard_normal())
        return Part(row, gloss, begin + time * (last - begin - tail), 0, yaw)

    def _rest(
        self, rng: np.random.Generator, group: Group, beside: Part, place: int, probability: float
    ) -> list[Part]:
        """No part or one: a clip of rest, or the pose of the sign beside it."""
        chance, kind, length, where = rng.random(4).tolist()
        if chance >= probability:
            return []
        low, high = self.config.rest_seconds
        frames = max(round((low + length * (high - low)) * self.fps), 1)
        if not group.rests or kind >= _REST_CLIP:
            return [beside.held(place, frames)]
        row = group.rests[int(rng.integers(len(group.rests)))]
        available = self.pool.clips[row].frames
        frames = min(frames, available)
        first = int(where * (available - frames + 1))
        return [Part(row, "", first + np.arange(frames, dtype=float), 0, beside.yaw)]

    def _joined(
        self, rng: np.random.Generator, parts: list[Part], more: list[Part]
    ) -> list[Part] | None:
        """The parts with further parts after transitions; None if they are too long."""
        result = list(parts)
        for part in more:
            if result and not _holds(result[-1], part):
                part = replace(part, before=self._transition(rng, result[-1], part))
            result.append(part)
        total = sum(part.before + len(part.positions) for part in result)
        return result if total <= self.max_frames else None

    def _transition(self, rng: np.random.Generator, first: Part, second: Part) -> int:
        """Frames of a transition: the largest distance of a hand, divided by a speed."""
        clips, config, draw = self.pool.clips, self.config, rng.random()
        left, right = clips[first.row], clips[second.row]
        way = right.hands[round(second.positions[0])] - left.hands[round(first.positions[-1])]
        # NaN only if no hand is seen at both ends.
        distance = math.sqrt(np.fmax.reduce((way * way).sum(axis=-1)))
        low, high = config.transition
        seconds = low + draw * (high - low)
        if not math.isnan(distance):
            seconds = distance / _log_uniform(draw, config.transition_speed)
        return round(min(max(seconds, low), high) * self.fps)

    def _finished(self, parts: list[Part]) -> SentencePlan:
        total = sum(part.before + len(part.positions) for part in parts)
        lacking = -total % self.multiple
        return SentencePlan((*parts, *([parts[-1].held(-1, lacking)] if lacking else [])))


def _holds(first: Part, second: Part) -> bool:
    """Whether two parts join without a transition: one holds the pose at which they meet."""
    same = first.row == second.row and first.yaw == second.yaw
    both = first.gloss and second.gloss
    return same and not both and first.positions[-1] == second.positions[0]


def _log_uniform(draw: float, bounds: tuple[float, float]) -> float:
    """A number between two bounds, log-uniform for a uniform draw from [0, 1)."""
    low, high = bounds
    return low * (high / low) ** draw
