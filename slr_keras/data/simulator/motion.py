"""From a sentence to joint controls: signs, transitions, rests, face and head."""

import numpy as np

from slr_keras.data.simulator import expression, rotations
from slr_keras.data.simulator.handshapes import within_limits
from slr_keras.data.simulator.kinematics import Controls, HandTrack
from slr_keras.data.simulator.signer import Signer
from slr_keras.data.simulator.signs import Sign
from slr_keras.data.simulator.stroke import STATE, base_states, onto_base, rest_state, sign_states
from slr_keras.data.simulator.tracks import Segment, join, slow_noise, smooth

FPS = 25.0


def _hand_track(states: np.ndarray, passes: int) -> HandTrack:
    states = states.copy()
    states[:, 3:7] = rotations.continuous(states[:, 3:7])
    states = smooth(states, passes)
    return HandTrack(states[:, :3], rotations.unit(states[:, 3:7]), within_limits(states[:, 7:]))


def perform(
    signs: list[Sign], signer: Signer, rng: np.random.Generator
) -> tuple[Controls, list[list[int]]]:
    """Controls of all frames of a signed sentence, and the span of each sign in frames."""
    pace = signer.tempo * float(np.exp(rng.normal(0, 0.10)))
    hurry = float(rng.uniform(0.75, 1.2))
    lead_in = int(rng.integers(7, 15))
    cursor = lead_in + int(rng.integers(0, 8))
    spans, active, passive = [], [], []
    for sign in signs:
        habit = signer.habit(sign.gloss)
        length = sign.frames * pace * habit.pace * np.exp(rng.normal(0, 0.08))
        frames = int(np.clip(round(length), 6, 26))
        states = sign_states(sign, signer, frames, rng)
        if sign.hands == "base":
            base = base_states(sign, signer, frames, rng)
            states = onto_base(states, base, sign, signer)
        if active:
            distance = np.linalg.norm(states[0, :3] - active[-1].states[-1, :3])
            gap = round((2.5 + 13.0 * distance) * pace * hurry + rng.uniform(0, 2))
            if rng.random() < 0.05:
                gap += int(rng.integers(6, 16))
            cursor = active[-1].end + max(2, gap)
        active.append(Segment(cursor, states))
        spans.append([cursor, cursor + frames])
        if sign.hands == "base":
            passive.append(Segment(cursor, base))
        elif sign.hands != "one" and rng.random() >= signer.weak_drop:
            other = sign_states(sign, signer, frames, rng, alternate=sign.hands == "alternating")
            passive.append(Segment(cursor, other))
    swing = round(rng.uniform(7, 12) * signer.tempo)
    total = spans[-1][1] + swing + int(rng.integers(0, 8))

    passes = 1 + round(2 * signer.sloppiness)
    dominant = join(active, rest_state(signer, 1.0), total, rng, patience=40, swing=swing)
    other = join(passive, rest_state(signer, -1.0), total, rng, patience=16, swing=swing)
    tremor = np.zeros((2, total, STATE))
    tremor[:, :, :3] = 0.004 * slow_noise(rng, total, 6, 9.0).reshape(total, 2, 3).swapaxes(0, 1)
    tremor[:, :, 7:] = 0.03 * slow_noise(rng, total, 32, 7.0).reshape(total, 2, 16).swapaxes(0, 1)
    dominant = _hand_track(dominant + tremor[0], passes)
    other = _hand_track(other + tremor[1], passes)

    head, torso = expression.sway(signs, spans, signer, total, rng)
    mouth, brows = expression.face(signs, spans, signer, total, rng)
    controls = Controls(
        right=other if signer.left_dominant else dominant,
        left=dominant if signer.left_dominant else other,
        head=head,
        torso=torso,
        mouth=mouth,
        brows=brows,
        blink=expression.blinks(total, rng),
    )
    return controls, spans
