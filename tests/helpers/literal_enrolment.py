"""The formulas of docs/reference/enrolment-file.md in plain Python, as an independent reference.

`python tests/helpers/literal_enrolment.py` writes `tests/enrolment/golden.json`, which
implementations in other languages read.
"""

import json
import math
import random
from pathlib import Path

GOLDEN = Path(__file__).parents[1] / "enrolment" / "golden.json"
TEMPERATURE, TOO_ALIKE, HIGHEST, LEAST_DEVIATION = 0.08, 0.7, 0.95, 0.05


def dot(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True))


def unit(vector):
    length = max(math.sqrt(dot(vector, vector)), 1e-12)
    return [value / length for value in vector]


def mean(rows):
    return [sum(column) / len(rows) for column in zip(*rows, strict=True)]


def deviation(values):
    middle = sum(values) / len(values)
    return math.sqrt(sum((value - middle) ** 2 for value in values) / len(values))


def prototypes(sign, width):
    """Of the recordings and of their mirror images."""
    return [
        unit(mean([unit(vector[:width]) for vector in sign[side]]))
        for side in ("vectors", "mirrored")
    ]


def scores(signs, vector, width):
    query = unit(vector[:width])
    return [max(dot(query, p) for p in prototypes(sign, width)) for sign in signs]


def named(signs, vector, naming):
    """Number of the sign that names a clip, and the rejection score against it."""
    values = scores(signs, vector, naming)
    best = values.index(max(values))
    return best, scores(signs, vector, len(vector))[best]


def alike(signs, naming):
    pairs = [prototypes(sign, naming) for sign in signs]
    return [
        [one == other or max(dot(p, q) for p in pairs[one] for q in pairs[other]) > TOO_ALIKE
         for other in range(len(signs))]
        for one in range(len(signs))
    ]  # fmt: skip


def impostors(signs, background, naming):
    near = alike(signs, naming)
    others = []
    for number, sign in enumerate(signs):
        for vector in sign["vectors"]:
            values = scores(signs, vector, len(vector))
            others += [v for other, v in enumerate(values) if not near[number][other]]
    deviations, maxima = [LEAST_DEVIATION], []
    if others:
        deviations.append(deviation(others))
    background = [b for b in background if max(scores(signs, b, len(b))) <= 0.7]
    everything = [value for b in background for value in scores(signs, b, len(b))]
    if background:
        deviations.append(deviation(everything))
        maxima = sorted(named(signs, b, naming)[1] for b in background)
    elif not others:
        deviations.append(0.15)
    middle = others or everything or [0.2]
    return {
        "mean": sum(middle) / len(middle),
        "deviation": max(deviations),
        "background": maxima,
    }


def unknown(statistics, signs, score):
    scale = statistics["deviation"] * math.sqrt(3) / math.pi
    below = 1 / (1 + math.exp((statistics["mean"] - score) / scale))
    return 1 - below**signs


def quantile(values, fraction):
    """Linear between the two nearest of ascending values."""
    place = fraction * (len(values) - 1)
    low = math.floor(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (place - low) * (values[high] - values[low])


def threshold(statistics, signs, accept):
    scale = statistics["deviation"] * math.sqrt(3) / math.pi
    below = (1 - accept) ** (1 / signs)
    result = statistics["mean"] + scale * math.log(below / (1 - below))
    if statistics["background"]:
        result = max(result, quantile(statistics["background"], 1 - accept))
    return min(result, HIGHEST)


def answer(signs, statistics, vector, naming):
    best, score = named(signs, vector, naming)
    weights = [math.exp(value / TEMPERATURE) for value in scores(signs, vector, naming)]
    refused = unknown(statistics, len(signs), score)
    return {
        "vector": vector,
        "naming": scores(signs, vector, naming),
        "rejection": scores(signs, vector, len(vector)),
        "sign": best,
        "score": score,
        "unknown": refused,
        "confidences": [weight / sum(weights) * (1 - refused) for weight in weights],
    }


def movement(clip, hands):
    """Clip: frames of points (x, y, score)."""
    moved = [0.0]
    for rows in hands:
        spreads = []
        for row in rows:
            seen = [frame[row][:2] for frame in clip if frame[row][-1] > 0]
            if len(seen) >= 2:
                spreads.append(math.hypot(*(deviation(axis) for axis in zip(*seen, strict=True))))
        spreads.sort()
        if spreads:
            half = len(spreads) // 2
            odd = len(spreads) % 2
            moved.append(spreads[half] if odd else (spreads[half - 1] + spreads[half]) / 2)
    return max(moved)


def low_share(clip, hands):
    low = 0
    for frame in clip:
        heights = []
        for rows in hands:
            seen = [frame[row][1] for row in rows if frame[row][-1] > 0]
            heights += [sum(seen) / len(seen)] if seen else []
        low += all(height < -0.9 for height in heights)
    return low / len(clip)


def golden():
    """The values of golden.json."""
    draw = random.Random(20)
    naming, dimension = 10, 16
    centres = [[draw.gauss(0, 1) for _ in range(dimension)] for _ in range(4)]

    def near(centre, noise=0.35):
        return [round(value + draw.gauss(0, noise), 4) for value in centre]

    signs = [
        {
            "name": name,
            "vectors": [near(centre) for _ in range(count)],
            "mirrored": [near(centre[::-1]) for _ in range(count)],
        }
        for name, centre, count in zip(
            ("hello", "größe", "thank-you"), centres, (3, 1, 2), strict=False
        )
    ]
    background = [near([0.0] * dimension, 1.0) for _ in range(12)]
    statistics = impostors(signs, background, naming)
    queries = [near(centre) for centre in centres] + [near(centres[0][::-1])]
    hands = [[0, 1], [2]]
    clips = [
        [[[round(draw.uniform(-1.5, 1), 3), round(draw.uniform(-1.5, 1), 3), draw.choice([0, 1, 1])]
          for _ in range(3)] for _ in range(5)]
        for _ in range(3)
    ]  # fmt: skip
    return {
        "naming_components": naming,
        "temperature": TEMPERATURE,
        "signs": signs,
        "background_vectors": background,
        "impostors": statistics,
        "thresholds": {
            str(rate): threshold(statistics, len(signs), rate) for rate in (0.01, 0.05, 0.2)
        },
        "without_background": impostors(signs, [], naming),
        "one_sign": impostors(signs[:1], [], naming),
        "answers": [answer(signs, statistics, query, naming) for query in queries],
        "rest": {
            "hands": hands,
            "clips": [
                {"clip": clip, "movement": movement(clip, hands), "low": low_share(clip, hands)}
                for clip in clips
            ],
        },
    }


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(golden(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
