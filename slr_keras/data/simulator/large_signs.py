"""The large lexicon: parametric signs drawn by a seed, in families of minimal pairs."""

from dataclasses import dataclass, replace

import numpy as np

from slr_keras.data.simulator.randomness import generator
from slr_keras.data.simulator.signs import Movement, Sign
from slr_keras.data.simulator.words import WORDS

#: Fewest and most (exclusive) movements of a family.
FAMILY = (3, 6)
#: Share of the families that repeat the one before with another handshape or place.
RELATED = 0.5
#: Share of the signs with a mouthing of their own in the family.
OWN_MOUTHING = 0.3
#: Share of the families with two signs that differ in mouthing alone.
DOUBLED = 0.3

_AXES = {
    "in": (1.0, 0.0, 0.0),
    "out": (-1.0, 0.0, 0.0),
    "up": (0.0, 1.0, 0.0),
    "down": (0.0, -1.0, 0.0),
    "ahead": (0.0, 0.0, 1.0),
    "ahead_out": (-0.6, 0.0, 1.0),
    "down_in": (0.7, -1.0, 0.0),
    "up_out": (-0.7, 1.0, 0.0),
}


@dataclass(frozen=True)
class _Region:
    """Signs of one part of space: choices that go together. Words are separated by blanks."""

    places: str
    orientations: str
    contacts: str
    paths: str
    axes: str
    size: float
    hands: str = "one"


_REGIONS = {
    "face": _Region(
        "forehead temple cheek chin mouth nose ear",
        "up_in up_side slant_in",
        "tips",
        "tap straight circle arc",
        "ahead ahead_out out down",
        0.14,
    ),
    "torso": _Region(
        "chest own_chest other_chest other_shoulder belly neck",
        "inward_in slant_in",
        "tips palm",
        "tap straight circle arc",
        "ahead ahead_out down up out",
        0.15,
    ),
    "space": _Region(
        "high centre low own_side other_side",
        "up_out up_in forward_down forward_up forward_side inward_in inward_down slant_down",
        "palm",
        "straight arc circle zigzag tap",
        "in out up down ahead ahead_out down_in up_out",
        0.20,
    ),
    "overhead": _Region(
        "above beside_head",
        "up_out up_in up_side forward_down",
        "palm",
        "straight arc circle zigzag",
        "in out down ahead down_in",
        0.19,
    ),
    "both": _Region(
        "apart high",
        "up_out up_side forward_down forward_up forward_side inward_in inward_down",
        "palm",
        "straight arc circle zigzag",
        "out up down ahead ahead_out up_out",
        0.18,
        "symmetric symmetric alternating",
    ),
    "base": _Region(
        "low",
        "forward_down forward_side inward_in inward_down slant_down",
        "tips palm",
        "tap circle straight arc",
        "up ahead ahead_out out",
        0.15,
        "base",
    ),
}
_SHARES = ("face", "face", "torso", "torso", "space", "space", "space", "overhead", "both", "both",
           "base")  # fmt: skip
_SHAPES = """flat five fist thumb index gun two joined_two three thumb_two little horns wings phone
    hook hooked_two bent cup claw ring beak pinch small_cup"""
_MOUTHS = "a e i o u m f puff smile down"
_FRAMES = {"hold": 10, "tap": 11, "straight": 11, "arc": 12, "circle": 14, "zigzag": 15}


def large_signs(seed: int = 0) -> tuple[Sign, ...]:
    """More than 120 signs, fixed by the seed; no two have the same form.

    The signs of a word class come in families that share handshape, place, orientation and mostly
    the mouthing, and differ in movement alone: forwards and backwards, once and repeatedly, around
    one way and the other. A single frame therefore seldom identifies a sign. Many families repeat
    the one before with another handshape or in another place, and some signs have a double that
    differs in mouthing alone.
    """
    rng = generator("large lexicon", seed)
    signs: list[Sign] = []
    for word_class, words in WORDS.items():
        names = words.split()
        model: Sign | None = None
        while names:
            if model is not None and rng.random() < RELATED:
                model = _choice(rng, (_other_handshape, _other_place))(model, rng)
            else:
                model = _invent(word_class, rng)
            family = _family(model, rng)
            forms = {sign.form() for sign in signs}
            if forms.isdisjoint(sign.form() for sign in family):
                signs += [replace(sign, gloss=name) for sign, name in zip(family, names)]
                names = names[len(family) :]
    return tuple(signs)


def _family(model: Sign, rng: np.random.Generator) -> list[Sign]:
    """Signs that differ from the model in movement, and one perhaps in mouthing."""
    movements = _movements(model, rng)
    count = int(rng.integers(*FAMILY))
    chosen = [movements[i] for i in rng.permutation(len(movements))[:count]]
    family = []
    for movement in chosen:
        own = rng.random() < OWN_MOUTHING
        frames = _FRAMES[movement.path] + 3 * (movement.repeats - 1) * (movement.path != "tap")
        sign = replace(
            model,
            movement=movement,
            mouthing=_mouthing(rng) if own else model.mouthing,
            frames=int(np.clip(frames + rng.integers(-1, 3), 8, 20)),
        )
        family.append(sign)
    if rng.random() < DOUBLED:
        family.append(_other_mouthing(family[-1], rng))
    return family


def _movements(model: Sign, rng: np.random.Generator) -> list[Movement]:
    """Movements that pass through much the same places."""
    path, direction, size = model.movement.path, model.movement.direction, model.movement.size
    # Circles in the frontal plane: seen from ahead, others hardly show which way they turn.
    around = Movement("circle", _AXES["ahead"], size)
    if path == "circle":
        return [
            model.movement,
            replace(model.movement, reverse=True),
            replace(model.movement, repeats=2),
            replace(model.movement, repeats=2, reverse=True),
            Movement("hold", inner="twist"),
        ]
    if path == "tap":
        return [
            model.movement,
            Movement("straight", direction, size),
            Movement("straight", direction, size, reverse=True),
            replace(model.movement, repeats=1),
            Movement("hold", inner=_choice(rng, "twist nod wiggle")),
        ]
    there = Movement(path, direction, size, inner=model.movement.inner)
    return [
        there,
        replace(there, reverse=True),
        Movement("straight", direction, size, repeats=2, inner=there.inner),
        Movement("zigzag", direction, size),
        Movement("zigzag", direction, size, reverse=True),
        replace(around, reverse=bool(rng.random() < 0.5)),
    ]


def _choice(rng: np.random.Generator, options):
    """One of a sequence, or one word of a text."""
    options = options.split() if isinstance(options, str) else options
    return options[int(rng.integers(len(options)))]


def _invent(word_class: str, rng: np.random.Generator) -> Sign:
    """A new sign, still without name, whose parts agree with each other."""
    region = _REGIONS[_choice(rng, _SHARES)]
    path, direction = _choice(rng, region.paths), _AXES[_choice(rng, region.axes)]
    if path == "circle" and rng.random() < 0.8:
        direction = _AXES["ahead"]
    size = round(float(region.size * rng.uniform(0.85, 1.15)), 3)
    inner = (
        _choice(rng, "none none none twist nod wiggle") if path in ("straight", "arc") else "none"
    )
    handshape = _choice(rng, _SHAPES)
    is_question = word_class == "question"
    return Sign(
        gloss="",
        word_class=word_class,
        handshape=handshape,
        location=_choice(rng, region.places),
        orientation=_choice(rng, region.orientations),
        movement=Movement(path, direction, size, 2 if path == "tap" else 1, inner),
        hands=_choice(rng, region.hands),
        contact="thumb" if handshape == "thumb" else _choice(rng, region.contacts),
        end_handshape=_choice(rng, "five fist flat beak") if rng.random() < 0.12 else "",
        base_handshape=_choice(rng, "flat flat fist index"),
        base_orientation=_choice(rng, "inward_up inward_down inward_in"),
        mouthing=_mouthing(rng),
        brows=(0.0, 1.0) if is_question else (float(rng.random() < 0.15), 0.0),
        head="shake" if is_question and rng.random() < 0.5 else "none",
    )


def _mouthing(rng: np.random.Generator) -> tuple[str, ...]:
    return tuple(_choice(rng, _MOUTHS) for _ in range(int(rng.integers(1, 4))))


def _other_handshape(sign: Sign, rng: np.random.Generator) -> Sign:
    shapes = [shape for shape in _SHAPES.split() if shape != sign.handshape]
    return replace(sign, handshape=_choice(rng, shapes))


def _other_place(sign: Sign, rng: np.random.Generator) -> Sign:
    """The same sign elsewhere; base-hand signs have one place only and change handshape."""
    for region in _REGIONS.values():
        places = [place for place in region.places.split() if place != sign.location]
        if sign.hands in region.hands and sign.location in region.places.split() and places:
            return replace(sign, location=_choice(rng, places))
    return _other_handshape(sign, rng)


def _other_mouthing(sign: Sign, rng: np.random.Generator) -> Sign:
    """The same hands with another word on the lips: closed or round against open shapes."""
    closed = sign.mouthing[0] in ("m", "u", "puff", "o")
    options = "a e smile" if closed else "m u puff"
    return replace(sign, mouthing=(_choice(rng, options), _choice(rng, options)))
