"""Streaming steps of STARK's layers: a few frames and a state to a few frames and a new state.

Each function takes a trained layer and its state by name and has no weights of its own. Tensors
have the shapes of the layers with a batch of 1. The state before a clip is zero, like the padding
before a complete clip, so that the first frames get the same results as offline.
"""

from typing import TYPE_CHECKING

from keras import ops

from slr_keras.models.stark.encoder import pool_time
from slr_keras.models.stark.policy import EMA, WINDOWED
from slr_keras.models.stark.spatial import LEAST_COUNT, gram, mix
from slr_keras.models.stark.window import ChunkWindows

if TYPE_CHECKING:
    from slr_keras.models.stark.block import StarkBlock
    from slr_keras.models.stark.encoder import StarkEncoder
    from slr_keras.models.stark.head import GlossHead

Shapes = dict[str, tuple[int, ...]]
State = dict


class Validity:
    """Masks of the frames of the clip among those that leave a layer in a call.

    Args:
        flags: `(1, calls)`, 1 for each call with frames of the clip; the last is this call.
    """

    def __init__(self, flags):
        self.flags = flags

    def frames(self, group: int, delay: int):
        """The mask `(1, group)` of frames that leave with a delay of `delay` frames."""
        late, rest = divmod(delay, group)
        last = self.flags.shape[1] - 1 - late
        now = ops.repeat(self.flags[:, last : last + 1], group - rest, axis=1)
        if not rest:
            return now
        return ops.concatenate(
            [ops.repeat(self.flags[:, last - 1 : last], rest, axis=1), now], axis=1
        )


def delayed(x, state: State, name: str, new: State):
    """Frames `(..., T, C)` delayed by the number of frames that the state holds."""
    if name not in state:
        return x
    both = ops.concatenate([state[name], x], axis=-2)
    time = x.shape[-2]
    new[name] = both[..., time:, :]
    return both[..., :time, :]


# === Blocks ===


def block_shapes(block: "StarkBlock", points: int, channels: int) -> Shapes:
    """Shapes of the state of a block by name."""
    ring, width = block.window - 1, block.heads * block.attention_channels
    shapes = {}
    if ring:
        shapes["inputs"] = (1, points, ring, channels)
        shapes["keys"] = (1, points, ring, width)
    if block.look_ahead:
        shapes["queries"] = (1, points, block.look_ahead, width)
    shapes["gram"] = (1, block.heads, points, points)
    shapes["count"] = (1, 1, 1, 1)
    if block.policy.name == WINDOWED:
        shapes["young_gram"], shapes["young_count"] = shapes["gram"], shapes["count"]
    return shapes


def block_step(block: "StarkBlock", x, validity: Validity, calls, state: State) -> tuple:
    """One call of a block.

    Args:
        block: of another policy than `offline`.
        x: `(1, points, group, channels)`.
        validity: of the calls so far.
        calls: `(1, 1)`, calls since the younger sum of the window began.
        state: with the shapes of `block_shapes`.

    Returns:
        `(1, points, group, channels)`, and the new state.
    """
    new: State = {}
    group = block.group
    frames = ops.reshape(validity.frames(group, block.clock.coming), (1, 1, group, 1))
    x = x * frames
    query, key = block.queries_and_keys(x, frames)
    spatial = block.spatial_softmax(_running_mean(block, query, key, frames, calls, state, new))
    query = delayed(query, state, "queries", new)
    seen, keys = (_extended(*pair, state, new) for pair in (("inputs", x), ("keys", key)))
    windows = ChunkWindows(group, block.before, block.look_ahead, block.heads)
    centre = seen[:, :, block.before : block.before + group]
    temporal = windows.attend(query, keys, block.alpha, block.beta, 1)
    attended = windows.aggregate(temporal, seen[0], mix(spatial, centre), block.heads)
    leaving = ops.reshape(validity.frames(group, block.clock.leaving), (1, 1, group, 1))
    return block.project(attended, centre) * leaving, new


def _extended(name: str, x, state: State, new: State):
    """All frames in the windows of a call: those of the state, then the new ones."""
    if name not in state:
        return x
    both = ops.concatenate([state[name], x], axis=2)
    new[name] = both[:, :, x.shape[2] :]
    return both


def _running_mean(block, query, key, frames, calls, state: State, new: State):
    """The mean of Q Kᵀ / A under the block's policy, `(1, S, P, P)`."""
    policy = block.policy
    grams, counts = gram(query, key, block.heads), ops.sum(frames, axis=2, keepdims=True)
    total, count = state["gram"], state["count"]
    if policy.name == EMA:
        total, count = total * policy.kept, count * policy.kept
    if policy.name == WINDOWED:
        # The younger sum replaces the older one, and a new younger sum begins.
        kept = ops.cast(calls > 0.5, total.dtype)
        kept = ops.reshape(kept, (1, 1, 1, 1))
        young, young_count = state["young_gram"], state["young_count"]
        total = total * kept + young * (1 - kept)
        count = count * kept + young_count * (1 - kept)
        new["young_gram"] = young * kept + grams
        new["young_count"] = young_count * kept + counts
    new["gram"], new["count"] = total + grams, count + counts
    return new["gram"] / (ops.maximum(new["count"], LEAST_COUNT) * block.attention_channels)


# === Encoders ===


def encoder_delay(encoder: "StarkEncoder") -> int:
    """Number of calls before the call that returns the first step of a clip."""
    last = encoder.blocks[-1]
    return -(-last.clock.leaving // encoder.final_pool)


def _waits(encoder: "StarkEncoder") -> list[int]:
    """Frames that wait before each pooling, including the final one, until its window is full."""
    pools, late = [*encoder.pools, encoder.final_pool], 0
    waits = []
    for pool, block in zip(pools, [*encoder.blocks, None], strict=True):
        waits.append(-late % pool)
        late = block.clock.leaving if block else 0
    return waits


def encoder_shapes(encoder: "StarkEncoder", points: int) -> Shapes:
    """Shapes of the state of an encoder by name."""
    shapes, channels = {}, encoder.stem_width
    *waits, final = _waits(encoder)
    for number, (block, wait) in enumerate(zip(encoder.blocks, waits, strict=True), 1):
        if wait:
            shapes[f"pool_{number}"] = (1, points, wait, channels)
        parts = block_shapes(block, points, channels)
        shapes |= {f"block_{number}_{name}": shape for name, shape in parts.items()}
        channels = block.channels
    if final:
        shapes["pool"] = (1, final, channels)
    return shapes


def encoder_step(encoder: "StarkEncoder", x, validity: Validity, calls, state: State) -> tuple:
    """One call of an encoder: `(1, stride, points, channels)` to one step `(1, width)`."""
    new: State = {}
    x = encoder.stem(ops.transpose(x, (0, 2, 1, 3)))
    for number, (pool, block) in enumerate(zip(encoder.pools, encoder.blocks, strict=True), 1):
        x = pool_time(delayed(x, state, f"pool_{number}", new), pool)
        kept = part(state, f"block_{number}_")
        x, changed = block_step(block, x, validity, calls, kept)
        new |= {f"block_{number}_{name}": value for name, value in changed.items()}
    x = delayed(ops.mean(x, axis=1), state, "pool", new)
    return ops.max(x, axis=1), new


def part(state: State, prefix: str) -> State:
    """The part of the state whose names begin with the prefix of a layer."""
    return {
        name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)
    }


# === Heads ===


def head_delay(head: "GlossHead") -> int:
    """Delay of a head's logits after its input, in calls."""
    return 2 * head.look_ahead


def head_shapes(head: "GlossHead") -> Shapes:
    """Shapes of the state of a head by name."""
    ring = head.kernel_size - 1
    shapes = {"position": (1,)}
    if ring:
        shapes["expand"] = (1, ring, head.width)
        shapes["contract"] = (1, ring, head.feed_forward_width)
    if head.look_ahead:
        shapes["residual"] = (1, 2 * head.look_ahead, head.width)
    return shapes


def head_step(head: "GlossHead", x, validity: Validity, delay: int, state: State) -> tuple:
    """One call of a head: features `(1, channels)` to logits `(1, classes)`.

    The position code of a step counts the steps since the beginning of the clip.

    Args:
        head: a trained head.
        x: features of a step, `delay` calls late.
        validity: of the calls so far.
        delay: of the encoders, in calls.
        state: with the shapes of `head_shapes`.
    """
    new: State = {}
    valid = validity.frames(1, delay)
    x = ops.relu(head.input_norm(head.input_linear(x))) + head.positions(state["position"])
    new["position"] = state["position"] + valid[0]
    y = _convolved(head.expand, head.inner_norm(x) * valid, state, "expand", new)
    y = ops.relu(y) * validity.frames(1, delay + head.look_ahead)
    y = _convolved(head.contract, y, state, "contract", new)
    x = delayed(ops.expand_dims(x, 1), state, "residual", new)[:, 0] + y
    return head.output_linear(head.output_norm(x)), new


def _convolved(convolution, x, state: State, name: str, new: State):
    """A convolution over the steps of the state and the new step, `(1, channels)`."""
    steps = ops.expand_dims(x, 1)
    if name in state:
        steps = ops.concatenate([state[name], steps], axis=1)
        new[name] = steps[:, 1:]
    rows = ops.reshape(steps, (1, -1))
    kernel = ops.reshape(convolution.kernel, (rows.shape[1], -1))
    return ops.matmul(rows, kernel) + convolution.bias
