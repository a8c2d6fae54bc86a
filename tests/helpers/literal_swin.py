"""Swin written down a second time, in float64 and one window at a time, for the tests."""

import math

import numpy as np

_erf = np.vectorize(math.erf, otypes=[float])


def norm(x, weights, name):
    """LayerNorm over the last axis."""
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return scaled * weights[f"{name}/gamma"] + weights[f"{name}/beta"]


def linear(x, weights, name):
    return x @ weights[f"{name}/kernel"] + weights.get(f"{name}/bias", 0.0)


def region(position, size, window, shift):
    if shift == 0 or position < size - window:
        return 0
    return 1 if position < size - shift else 2


def attention(x, weights, name, heads, window, shift):
    """Attention on one map (H, W, C), token by token of every window."""
    height, width, channels = x.shape
    tall, wide = -(-height // window) * window, -(-width // window) * window
    padded = np.zeros((tall, wide, channels))
    padded[:height, :width] = x
    down = shift if window < tall else 0
    right = shift if window < wide else 0
    depth = channels // heads
    out = np.zeros_like(padded)
    for top in range(0, tall, window):
        for left in range(0, wide, window):
            # Places in the rolled map, and where their content lies in the unrolled one.
            places = [(top + i, left + j) for i in range(window) for j in range(window)]
            origin = [((r + down) % tall, (c + right) % wide) for r, c in places]
            tokens = np.stack([padded[o] for o in origin])
            qkv = linear(tokens, weights, f"{name}/qkv")
            query, key, value = qkv[:, :channels], qkv[:, channels : 2 * channels], None
            value = qkv[:, 2 * channels :]
            result = np.zeros_like(tokens)
            for head in range(heads):
                part = slice(head * depth, (head + 1) * depth)
                scores = query[:, part] @ key[:, part].T / math.sqrt(depth)
                for i, (r, c) in enumerate(places):
                    for j, (s, d) in enumerate(places):
                        row = (r - s + window - 1) * (2 * window - 1) + (c - d + window - 1)
                        scores[i, j] += weights[f"{name}/position_bias"][row, head]
                        ours = region(r, tall, window, down), region(c, wide, window, right)
                        other = region(s, tall, window, down), region(d, wide, window, right)
                        if ours != other:
                            scores[i, j] -= 100
                scores = np.exp(scores - scores.max(-1, keepdims=True))
                result[:, part] = scores / scores.sum(-1, keepdims=True) @ value[:, part]
            result = linear(result, weights, f"{name}/projection")
            for o, token in zip(origin, result):
                out[o] = token
    return out[:height, :width]


def merge(x, weights, name):
    height, width, channels = x.shape
    padded = np.zeros((height + height % 2, width + width % 2, channels))
    padded[:height, :width] = x
    corners = [padded[0::2, 0::2], padded[1::2, 0::2], padded[0::2, 1::2], padded[1::2, 1::2]]
    return linear(
        norm(np.concatenate(corners, -1), weights, f"{name}/norm"), weights, f"{name}/reduction"
    )


def embed(frame, weights, patch=4):
    """A frame (H, W, 3) to the first map."""
    height, width = frame.shape[0] // patch, frame.shape[1] // patch
    x = np.zeros((height, width, weights["patches/bias"].shape[0]))
    for r in range(height):
        for c in range(width):
            piece = frame[r * patch : (r + 1) * patch, c * patch : (c + 1) * patch]
            x[r, c] = np.einsum("ijk,ijkc->c", piece, weights["patches/kernel"])
    return norm(x + weights["patches/bias"], weights, "patches_norm")


def run_stage(x, weights, stage, depth, heads, window):
    """Merging, of all stages but the first, and the blocks of a stage."""
    if stage:
        x = merge(x, weights, f"stage_{stage}_merging")
    for index in range(depth):
        name = f"stage_{stage}_block_{index}"
        shift = window // 2 if index % 2 else 0
        normed = norm(x, weights, f"{name}/norm_1")
        x = x + attention(normed, weights, f"{name}/attention", heads, window, shift)
        hidden = linear(norm(x, weights, f"{name}/norm_2"), weights, f"{name}/widen")
        x = x + linear(gelu(hidden), weights, f"{name}/narrow")
    return x


def gelu(x):
    return x * 0.5 * (1 + _erf(x / math.sqrt(2)))


def swin(frame, weights, depths, heads, window, patch=4):
    """One frame (H, W, 3) to one vector; weights by our names."""
    x = embed(frame, weights, patch)
    for stage, (depth, head_count) in enumerate(zip(depths, heads)):
        x = run_stage(x, weights, stage, depth, head_count, window)
    return norm(x, weights, "norm").mean((0, 1))
