"""The demo lexicon: twenty signs, several of them minimal pairs."""

from dataclasses import replace

from slr_keras.data.simulator.signs import Movement, Sign

OUT, UP, DOWN, AHEAD = (-1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, 1.0)


def demo_signs() -> tuple[Sign, ...]:
    """Twenty signs, in the order of the lexicon.

    Minimal pairs: MORNING/EVENING, GROW/SHRINK and GO/COME run the same poses in opposite order;
    TOMORROW/YESTERDAY differ in direction, MOTHER/FATHER in place, GOOD/BAD in handshape.
    """
    tomorrow = Sign(
        "TOMORROW", "time", "thumb", "cheek", "up_side", contact="thumb",
        movement=Movement("arc", (0.0, -0.5, 1.0), 0.19), mouthing=("o", "m", "o"), frames=12,
    )  # fmt: skip
    morning = Sign(
        "MORNING", "time", "flat", "low", "inward_up", contact="palm",
        movement=Movement("straight", (0.0, 1.0, 0.15), 0.24), mouthing=("o", "i"), frames=14,
    )  # fmt: skip
    mother = Sign(
        "MOTHER", "person", "five", "chin", "up_side", contact="thumb",
        movement=Movement("tap", AHEAD, 0.16, 2), mouthing=("m", "a"), frames=12,
    )  # fmt: skip
    good = Sign(
        "GOOD", "quality", "flat", "mouth", "up_in",
        movement=Movement("straight", (-0.1, -0.5, 1.0), 0.20), mouthing=("u", "smile"), frames=11,
    )  # fmt: skip
    grow = Sign(
        "GROW", "quality", "bent", "centre", "forward_side", hands="symmetric", contact="palm",
        movement=Movement("straight", OUT, 0.18), mouthing=("o",), frames=12,
    )  # fmt: skip
    go = Sign(
        "GO", "action", "joined_two", "centre", "slant_down", contact="palm",
        movement=Movement("arc", (-0.8, 0.1, 0.7), 0.26), mouthing=("e",), frames=13,
    )  # fmt: skip
    return (
        tomorrow,
        replace(tomorrow, gloss="YESTERDAY", movement=Movement("arc", (-0.6, 0.3, -0.5), 0.17),
                mouthing=("e", "a")),
        morning,
        _backwards(morning, "EVENING", ("i", "e")),
        Sign("I", "person", "index", "chest", "self", contact="tips",
             movement=Movement("tap", AHEAD, 0.10, 1), mouthing=("i",), frames=8),
        Sign("YOU", "person", "index", "high", "forward_down", contact="tips",
             movement=Movement("straight", AHEAD, 0.10), mouthing=("u",), frames=8),
        mother,
        replace(mother, gloss="FATHER", location="forehead", mouthing=("f", "a")),
        Sign("HOUSE", "thing", "flat", "high", "up_side", hands="symmetric",
             movement=Movement("zigzag", (-0.7, -1.0, 0.0), 0.22), mouthing=("a", "u"), frames=16),
        Sign("RAIN", "thing", "five", "above", "forward_down", hands="symmetric", contact="palm",
             movement=Movement("straight", DOWN, 0.22, 2, "wiggle"), mouthing=("e", "i"),
             frames=16),
        Sign("SUN", "thing", "beak", "above", "forward_down", contact="palm", end_handshape="five",
             movement=Movement("straight", (0.2, -1.0, 0.4), 0.12), mouthing=("o", "e"), frames=14),
        Sign("MOON", "thing", "small_cup", "above", "up_out", contact="palm",
             movement=Movement("arc", (-0.4, -1.0, 0.0), 0.20), mouthing=("m", "o"), frames=14),
        good,
        replace(good, gloss="BAD", handshape="little", mouthing=("a", "down")),
        grow,
        _backwards(grow, "SHRINK", ("puff",)),
        go,
        _backwards(go, "COME", ("o", "m")),
        Sign("WORK", "action", "fist", "low", "inward_down", hands="base", contact="palm",
             base_handshape="fist", base_orientation="inward_down",
             movement=Movement("tap", UP, 0.16, 2), mouthing=("a", "e"), frames=13),
        Sign("WHAT", "question", "five", "apart", "forward_up", hands="symmetric", contact="palm",
             movement=Movement("straight", OUT, 0.08, 2), mouthing=("a", "rest"), brows=(0.0, 1.0),
             head="shake", frames=14),
    )  # fmt: skip


def _backwards(sign: Sign, gloss: str, mouthing: tuple[str, ...]) -> Sign:
    """The same poses in the opposite order."""
    movement = replace(sign.movement, reverse=not sign.movement.reverse)
    return replace(sign, gloss=gloss, movement=movement, mouthing=mouthing)
