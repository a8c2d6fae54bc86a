"""Temporal attention over chunks of neighbouring frames (docs/papers/stark.md §3.2-3.5).

A frame attends to a window of frames around it. The windows of neighbouring frames overlap, so that
one small matrix product computes a chunk of frames; `w` is the number of frames that a chunk reads.
"""

import keras
import numpy as np
from keras import ops

from slr_keras.models.stark.spatial import sizes

# Scope in the names of operations, so that quantisation can keep them in float32.
TEMPORAL_SOFTMAX = "temporal_softmax"


class ChunkWindows:
    """Constants of the windows of a chunk's frames, in the order `(chunk, heads, w)`.

    Args:
        chunk: frames of a chunk.
        before, after: frames of a window before and after its centre.
        heads: number of attention heads (num_heads).

    Attributes:
        seen: w, frames that a chunk reads.
        outside_bias: `(chunk * heads * w,)`, -1e9 outside of each frame's own window.
        not_centre: `(chunk * heads * w,)`, 0 at the centre of each window, 1 elsewhere.
        centre_picks: `(chunk * heads * w, chunk * heads)`, selects the weight of the centre.
        beta_spread: `(window * heads, chunk * heads * w)`, expands the learned offset of each tap.

    >>> from slr_keras.models.stark.window import ChunkWindows
    >>> ChunkWindows(2, before=1, after=1, heads=1).not_centre.reshape(2, 4).tolist()
    [[1.0, 0.0, 1.0, 1.0], [1.0, 1.0, 0.0, 1.0]]
    """

    def __init__(self, chunk: int, before: int, after: int, heads: int):
        window = before + after + 1
        self.chunk = chunk
        self.heads = heads
        self.before = before
        self.after = after
        self.seen = seen = chunk + window - 1
        taps = np.arange(seen) - np.arange(chunk)[:, None]
        inside = (taps >= 0) & (taps < window)
        per_head = np.repeat(inside[:, None], heads, axis=1)
        self.outside_bias = np.where(per_head, 0.0, -1e9).astype(np.float32).reshape(-1)
        centre = np.repeat((taps == before)[:, None], heads, axis=1)
        self.not_centre = 1.0 - centre.astype(np.float32).reshape(-1)
        picks = np.eye(chunk * heads, dtype=np.float32)[..., None] * centre.reshape(
            1, chunk * heads, seen
        )
        self.centre_picks = picks.reshape(chunk * heads, -1).T
        one_hot = np.eye(window)[np.clip(taps, 0, window - 1)] * inside[..., None]
        spread = np.einsum("cwk,sr->kscrw", one_hot, np.eye(heads))
        self.beta_spread = spread.reshape(window * heads, -1).astype(np.float32)

    def frames(self, tensor):
        """The frames that each chunk reads (§3.2): `(B, P, T, C)` to `(chunks, w, C)`.

        Rolling takes the borders from the neighbouring chunks. The first and the last chunk thus
        get frames from the other end of the clip, where `in_clip` is 0.
        """
        batch, points, _, channels = sizes(tensor)
        chunk, before, after = self.chunk, self.before, self.after
        chunks = ops.reshape(tensor, (batch * points, -1, chunk * channels))
        parts = [chunks]
        if before:
            tail = ops.split(chunks, [(chunk - before) * channels], axis=-1)[1]
            parts.insert(0, ops.roll(tail, 1, axis=1))
        if after:
            head = ops.split(chunks, [after * channels], axis=-1)[0]
            parts.append(ops.roll(head, -1, axis=1))
        seen = ops.concatenate(parts, axis=-1) if len(parts) > 1 else chunks
        return ops.reshape(seen, (-1, self.seen, channels))

    def in_clip(self, time, dtype: str):
        """1 where a chunk's window lies inside the padded clip: `(chunks, chunk * heads * w)`."""
        first = ops.expand_dims(ops.arange(time // self.chunk) * self.chunk - self.before, -1)
        frame = first + ops.tile(ops.arange(self.seen), (self.chunk * self.heads,))
        inside = ops.logical_and(frame >= 0, frame < time)
        return ops.cast(inside, dtype)

    def attend(self, query, keys, alpha, beta, batch, in_clip=1.0):
        """A_t of §3.3, `(batch, points, chunks, chunk * heads * w)`.

        Args:
            query: `(batch, points, time, heads * A)`.
            keys: `(batch * points * chunks, w, heads * A)`, keys of the frames that each chunk
                reads.
            alpha: `(heads,)`, learned scale.
            beta: `(heads, window, points)`, learned offset.
            batch: number of clips.
            in_clip: `(chunks, chunk * heads * w)`, 0 on frames outside the clip, which count with
                logit 0.
        """
        heads, window, points = beta.shape
        width, chunk, seen = query.shape[-1] // heads, self.chunk, self.seen
        queries = ops.reshape(query, (-1, chunk, heads, width))
        keys = ops.reshape(keys, (-1, seen, heads, width))
        logits = ops.matmul(ops.transpose(queries, (0, 2, 1, 3)), ops.transpose(keys, (0, 2, 3, 1)))
        logits = ops.transpose(logits, (0, 2, 1, 3))
        logits = ops.reshape(logits, (batch * points, -1, chunk * heads * seen))
        with keras.name_scope(TEMPORAL_SOFTMAX):
            logits = logits * (in_clip * (1 / width)) + ops.cast(self.outside_bias, logits.dtype)
            attention = ops.softmax(ops.reshape(logits, (-1, seen)), axis=-1)
        attention = ops.reshape(attention, (batch, points, -1, chunk * heads * seen))
        scale = ops.tile(ops.repeat(alpha, seen), (chunk,))
        offset = ops.reshape(ops.transpose(beta, (2, 1, 0)), (points, window * heads))
        offset = ops.matmul(offset, ops.cast(self.beta_spread, offset.dtype))
        return attention * scale + ops.expand_dims(offset, 1)

    def aggregate(self, attention, inputs, mixed, heads: int, in_clip=1.0):
        """X_a of §3.5, `(batch, points, time, heads * C)`; at the centre frame, A_s X replaces X.

        Args:
            attention: the result of `attend`.
            inputs: `(batch * points * chunks, w, C)`, the frames of X that each chunk reads.
            mixed: `(batch, points * heads, time, C)`, A_s X.
            heads: number of attention heads.
            in_clip: as in `attend`.
        """
        batch, rows, time, channels = sizes(mixed)
        points, chunk, seen = rows // heads, self.chunk, self.seen
        own = attention * (in_clip * ops.cast(self.not_centre, mixed.dtype))
        own = ops.matmul(ops.reshape(own, (-1, chunk * heads, seen)), inputs)
        centre_weight = ops.matmul(
            ops.reshape(attention, (-1, chunk * heads * seen)),
            ops.cast(self.centre_picks, mixed.dtype),
        )
        mixed = ops.reshape(mixed, (batch * points, heads, time, channels))
        mixed = ops.reshape(ops.transpose(mixed, (0, 2, 1, 3)), (-1, channels))
        total = ops.reshape(own, (-1, channels)) + mixed * ops.reshape(centre_weight, (-1, 1))
        return ops.reshape(total, (batch, points, time, heads * channels))
