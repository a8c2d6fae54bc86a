"""Lies of JSON metadata: one or two places of a value are removed or replaced."""

import copy
import random
from typing import Any

#: What a place may become. JSON files may hold NaN, infinity and numbers of any size.
REPLACEMENTS = (
    *(None, True, False, 0, 1, -1, 0.5, -0.5, 2**31, 2**63, -(2**63), 10**30, 10**400, 1e308),
    *(float("nan"), float("inf"), float("-inf"), "", "a", "-1", "1", "..", "../up", "/etc/passwd"),
    *("a/b", "a\\b", "a\0b", "\ud800", "x" * 5000, "keypoints", "body", "\n", "日本"),
    *([], [[]], {}, [None], [0], [1.5], ["a"], {"a": 1}, {"": None}, {"a": {}}, [{}], [[1, 2], 3]),
    *([0] * 300, ["nose"] * 2, [[["a"]]], {"files": {}}, {"digest": 3}),
)
_DEEP = 90


def mutated(value: Any, rng: random.Random) -> Any:
    """A copy of a JSON value with one to three lies."""
    value = copy.deepcopy(value)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        places = list(_places(value))
        if not places:
            return rng.choice(REPLACEMENTS)
        container, key = rng.choice(places)
        _change(container, key, rng)
    return value


def _change(container: Any, key: Any, rng: random.Random) -> None:
    old, what = container[key], rng.randrange(8)
    if what == 0:
        del container[key]
    elif what == 1 and isinstance(container, list):
        container.append(copy.deepcopy(old))
    elif what == 1:
        container[rng.choice(("unknown", "", "\ud800", "name", "0"))] = copy.deepcopy(old)
    elif what == 2 and isinstance(old, int | float):
        container[key] = rng.choice((old + 1, -old, old * 10**6, old + 0.5, str(old), [old]))
    elif what == 3 and isinstance(old, list | dict):
        old.clear()
    elif what == 4:
        for _ in range(_DEEP):
            old = [old]
        container[key] = old
    else:
        container[key] = copy.deepcopy(rng.choice(REPLACEMENTS))


def _places(value: Any):
    """Container and key of every part, those near the top as often as all those below."""
    if not isinstance(value, dict | list):
        return
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        inner = value[key]
        below = list(_places(inner))
        # Long lists of one kind are represented by a few of their parts.
        yield from below if len(below) < 60 else below[:: len(below) // 60]
