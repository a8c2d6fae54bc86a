"""Appearance of a simulated person: skin, hair, clothes, background and light."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from slr_keras.data.simulator.randomness import generator

#: Least distance in CIELAB between skin and what hands are seen against: clothes and wall.
LEAST_CONTRAST = 24.0
#: Days of recording of a signer; each has its clothes, wall and light.
SESSIONS = 4

SLEEVES = {"none": 0.08, "short": 0.55, "elbow": 0.92, "rolled": 1.45, "long": 1.93}
NECKLINES = ("round", "vee", "high")
HAIRCUTS = ("bald", "short", "full", "bob", "long", "bun")
WALLS = ("plain", "gradient", "cloudy", "panels")

_SKIN = np.array(
    [
        (247, 220, 198),
        (238, 204, 176),
        (224, 182, 148),
        (205, 155, 118),
        (178, 126, 92),
        (143, 95, 66),
        (108, 70, 48),
        (80, 52, 38),
    ],
    float,
)
_HAIR = np.array(
    [
        (22, 18, 18),
        (44, 30, 24),
        (78, 50, 34),
        (118, 78, 48),
        (176, 134, 84),
        (146, 70, 40),
        (150, 146, 142),
    ],
    float,
)


@dataclass(frozen=True)
class Appearance:
    """One person on one day of recording. Colours are RGB in 0..255, before light and exposure.

    Attributes:
        skin, palm, lips, hair, iris: of the person, the same on every day.
        haircut: one of `HAIRCUTS`.
        shirt, stripe: colours of the clothes; they are equal on plain ones.
        sleeve: where it ends: 0 shoulder, 1 elbow, 2 wrist.
        neckline: one of `NECKLINES`.
        wall: one of `WALLS`, in the colours `wall_colours` (2, 3).
        light: unit vector from the signer to the lamp: camera's right, up, to the camera.
        ambient: fraction of ambient light; the lamp gives the rest.
        exposure: factor on all colours (3,), with the colour cast of the camera.
        noise: standard deviation of the sensor's noise, in steps of 1/255.
    """

    skin: np.ndarray
    palm: np.ndarray
    lips: np.ndarray
    hair: np.ndarray
    iris: np.ndarray
    haircut: str
    shirt: np.ndarray
    stripe: np.ndarray
    sleeve: float
    neckline: str
    wall: str
    wall_colours: np.ndarray
    light: np.ndarray
    ambient: float
    exposure: np.ndarray
    noise: float


def lab(colour: np.ndarray) -> np.ndarray:
    """CIELAB (..., 3) of sRGB colours (..., 3) in 0..255, for a white of D65.

    >>> from slr_keras.data.simulator.appearance import lab
    >>> lab([255, 255, 255]).round().tolist()
    [100.0, 0.0, 0.0]
    """
    value = np.asarray(colour, float) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    xyz = linear @ to_xyz.T / to_xyz.sum(1)
    root = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = root[..., 0], root[..., 1], root[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def contrast(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Distance in CIELAB between sRGB colours (..., 3)."""
    return np.linalg.norm(lab(one) - lab(other), axis=-1)


@lru_cache(maxsize=1024)
def appearance(name: str, seed: int = 0, session: int = 0) -> Appearance:
    """How the signer called `name` looks on one of their days; the same in every process.

    >>> import numpy as np
    >>> from slr_keras.data.simulator.appearance import appearance
    >>> one, again = appearance("test01", session=0), appearance("test01", session=1)
    >>> np.array_equal(one.skin, again.skin), np.array_equal(one.shirt, again.shirt)
    (True, False)
    """
    person = generator(seed, "appearance", name)
    day = generator(seed, "recording day", name, session)
    tone = person.uniform(0, len(_SKIN) - 1.001)
    skin = np.clip(_between(_SKIN, tone) + person.normal(0, 4, 3), 30, 252)
    dark = tone / (len(_SKIN) - 1)
    # Dark hair goes with dark skin more often than not.
    hair = _HAIR[person.integers(2 if dark > 0.6 else len(_HAIR))] * person.uniform(0.8, 1.15)
    lips = skin * [0.82, 0.50, 0.52] + 0.6 * dark * (np.array([186, 96, 92]) - skin * 0.5)
    light = np.array([day.normal(0, 0.55), day.uniform(0.2, 0.9), day.uniform(0.6, 1.0)])
    shirt = _apart_from(skin, day)
    stripe = _apart_from(skin, day) if day.random() < 0.25 else shirt
    wall = _apart_from(skin, day)
    second = wall
    while contrast(second, wall) < 4 or contrast(second, skin) < LEAST_CONTRAST:
        second = np.clip(wall * day.uniform(0.6, 1.3) + day.normal(0, 12, 3), 0, 255)
    gain = day.uniform(0.84, 1.08) * np.exp(day.normal(0, 0.03, 3))
    return Appearance(
        skin=skin,
        palm=skin + (0.2 + 0.35 * dark) * (np.array([236, 188, 170]) - skin),
        lips=np.clip(lips + person.normal(0, 6, 3), 20, 255),
        hair=np.clip(hair, 0, 255),
        iris=np.array(
            [(60, 40, 26), (74, 92, 116), (70, 84, 52)][person.choice(3, p=[0.7, 0.2, 0.1])]
        ),
        haircut=str(person.choice(HAIRCUTS, p=[0.08, 0.27, 0.2, 0.15, 0.2, 0.1])),
        shirt=shirt,
        stripe=stripe,
        sleeve=SLEEVES[str(day.choice(list(SLEEVES), p=[0.05, 0.25, 0.15, 0.2, 0.35]))],
        neckline=str(day.choice(NECKLINES)),
        wall=str(day.choice(WALLS)),
        wall_colours=np.stack([wall, second]),
        light=light / np.linalg.norm(light),
        ambient=float(day.uniform(0.5, 0.72)),
        exposure=gain,
        noise=float(day.uniform(0.8, 4.5)),
    )


def _apart_from(skin: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A colour of cloth or paint, more often muted than loud, that skin stands out against."""
    while True:
        grey = rng.uniform(15, 225)
        colour = np.clip(grey + rng.normal(0, 1, 3) * rng.choice([6, 20, 38]), 8, 232)
        if contrast(colour, skin) >= LEAST_CONTRAST:
            return colour


def _between(colours: np.ndarray, place: float) -> np.ndarray:
    index = int(place)
    return colours[index] + (place - index) * (colours[index + 1] - colours[index])
