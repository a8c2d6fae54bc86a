"""STARK's block as printed, in float64 NumPy loops: the reference for the fast form."""

import numpy as np


def softmax(x, axis):
    x = np.exp(x - x.max(axis=axis, keepdims=True))
    return x / x.sum(axis=axis, keepdims=True)


def literal_attention(x, weights, heads, window):
    """X_a for one clip without padding, `(time, points, heads, channels)`.

    X_a = sum_j A_t[j] X_patches[j] - A_t[k/2] X + A_t[k/2] A_s X, with zero-padded patches.
    """
    time, points, channels = x.shape
    both = x @ weights["query_key/kernel"] + weights["query_key/bias"]
    width = both.shape[-1] // (2 * heads)
    query, key = both.reshape(time, points, 2, heads, width).transpose(2, 0, 1, 3, 4)
    half = window // 2
    patches = np.zeros((time, window, points, channels))
    key_patches = np.zeros((time, window, points, heads, width))
    for t in range(time):
        for j in range(window):
            if 0 <= t + j - half < time:
                patches[t, j] = x[t + j - half]
                key_patches[t, j] = key[t + j - half]
    logits = np.einsum("tpsc,tjpsc->tpsj", query, key_patches) / width
    beta = weights["beta"].transpose(2, 0, 1)
    temporal = softmax(logits, -1) * weights["alpha"][:, None] + beta
    gram = np.einsum("tusc,tvsc->suv", query, key) / (width * time)
    spatial = softmax(gram, -1) * weights["gamma"][:, None, None] + weights["delta"]
    mixed = np.einsum("suv,tvc->tusc", spatial, x)
    total = np.einsum("tpsj,tjpc->tpsc", temporal, patches)
    centre = temporal[..., half, None]
    return total - centre * x[:, :, None] + centre * mixed, temporal, spatial


def literal_block(x, weights, heads, window, epsilon=1e-5, slope=0.1):
    """A whole block at inference for one clip, `(time, points, channels_out)`."""

    def norm(y, name):
        scale = weights[f"{name}/gamma"] / np.sqrt(weights[f"{name}/moving_variance"] + epsilon)
        return (y - weights[f"{name}/moving_mean"]) * scale + weights[f"{name}/beta"]

    def linear(y, name):
        return y @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]

    def activate(y):
        return np.where(y > 0, y, slope * y)

    def residual(index):
        name = f"residual_{index}"
        return norm(linear(x, name), f"{name}_norm") if f"{name}/kernel" in weights else x

    attended, _, _ = literal_attention(x, weights, heads, window)
    y = norm(linear(attended.reshape(*x.shape[:2], -1), "output"), "output_norm")
    y = activate(residual(1) + y)
    y = norm(linear(y, "feed_forward"), "feed_forward_norm")
    return activate(residual(2) + y)


def named_weights(block):
    """A block's weights by short name, in float64."""
    return {
        weight.path.split("/", 1)[1]: np.asarray(weight, dtype=np.float64)
        for weight in block.weights
        if "seed" not in weight.path
    }


def randomise(layer, seed=0):
    """Give every weight a value that no special case hides behind."""
    generator = np.random.default_rng(seed)
    for weight in layer.weights:
        if "seed" in weight.path:
            continue
        value = generator.normal(scale=0.4, size=weight.shape)
        if "variance" in weight.path:
            value = 0.5 + np.abs(value)
        weight.assign(np.asarray(weight) * 0.5 + value.astype("float32"))
