"""USTM written down a second time, in float64 and as published, for the tests.

See docs/papers/ustm.md.

Weights are looked up by our names; `swin` is set by the fixture that loads this module.
"""

import numpy as np

# The module of the literal Swin.
swin = None


def collate(clips):
    """§2.5: replicated frames `(batch, L, H, W, 3)` and declared lengths."""
    longest = 4 * -(-max(len(clip) for clip in clips) // 4) + 12
    padded = [clip[np.clip(np.arange(longest) - 6, 0, len(clip) - 1)] for clip in clips]
    return np.stack(padded), [4 * -(-len(clip) // 4) + 12 for clip in clips]


def batch_norm(x, w, name, training):
    axes = tuple(range(x.ndim - 1))
    if training:
        mean, variance = x.mean(axes), x.var(axes)
    else:
        mean, variance = w[f"{name}/moving_mean"], w[f"{name}/moving_variance"]
    return (x - mean) / np.sqrt(variance + 1e-5) * w[f"{name}/gamma"] + w[f"{name}/beta"]


def shifted(x, axis, by):
    """Zeros move in from outside: y[i] = x[i + by]."""
    y = np.zeros_like(x)
    size = x.shape[axis]
    to = [slice(None)] * x.ndim
    origin = [slice(None)] * x.ndim
    to[axis] = slice(max(-by, 0), size - max(by, 0))
    origin[axis] = slice(max(by, 0), size - max(-by, 0))
    if abs(by) < size:
        y[tuple(to)] = x[tuple(origin)]
    return y


def conv3d(x, w, name):
    """(batch, time, height, width, channels), kernel (t, h, w, in, out), all sizes kept."""
    kernel = w[f"{name}/kernel"]
    half = [size // 2 for size in kernel.shape[:3]]
    y = 0.0
    for place in np.ndindex(kernel.shape[:3]):
        moved = x
        for axis, (index, middle) in enumerate(zip(place, half), start=1):
            moved = shifted(moved, axis, index - middle)
        y = y + moved @ kernel[place]
    return y + w[f"{name}/bias"]


def tape(s, w, name, skip, training):
    """§4.2 on (batch, time, height, width, channels)."""
    z = swin.linear(swin.norm(s, w, f"{name}/norm_in"), w, f"{name}/down")
    z = z + w[f"{name}/table"][: s.shape[1]][None, :, None, None]

    def unit(x, part):
        return batch_norm(
            conv3d(x, w, f"{name}/{part}/convolution"), w, f"{name}/{part}/norm", training
        )

    u = unit(z, "mix") + unit(swin.gelu(unit(z, "near_1")), "near_2")
    y = swin.gelu(u + unit(swin.gelu(unit(u, "far_1")), "far_2"))
    return skip * s + swin.linear(swin.norm(y, w, f"{name}/norm_out"), w, f"{name}/up")


def backbone(frames, w, options, skip, training):
    """§1: (batch, time, H, W, 3) pixels to (batch, time, width)."""
    batch, time = frames.shape[:2]
    x = (frames / 255 - 0.45) / 0.225
    inside = {k.removeprefix("swin_micro/"): v for k, v in w.items() if k.startswith("swin_micro/")}
    maps = np.stack([swin.embed(frame, inside) for frame in x.reshape(-1, *x.shape[2:])])
    for stage, (depth, heads) in enumerate(zip(options["depths"], options["heads"])):
        run = [swin.run_stage(m, inside, stage, depth, heads, options["window"]) for m in maps]
        maps = np.stack(run).reshape(batch, time, *run[0].shape)
        maps = tape(maps, w, f"adapter_{stage}", skip, training)
        maps = maps.reshape(-1, *maps.shape[2:])
    return swin.norm(maps, inside, "norm").mean((1, 2)).reshape(batch, time, -1)


def conv1d(x, kernel, bias, dilation=1, pad=True):
    size = len(kernel)
    reach = (size - 1) * dilation // 2
    y = sum(shifted(x, 1, k * dilation - reach) @ kernel[k] for k in range(size)) + bias
    return y if pad else y[:, reach:-reach]


def streams(f, w):
    """§5.1: the six streams, side by side."""
    views = [np.maximum(swin.linear(f, w, f"entry_{i}"), 0) for i in range(6)]
    around = np.pad(views[0], ((0, 0), (1, 1), (0, 0)), constant_values=-np.inf)
    highest = np.max([around[:, i : i + f.shape[1]] for i in range(3)], axis=0)
    rest = []
    for dilation, view in zip((1, 2, 3, 4), views[2:]):
        kernel, bias = (w[f"dilated_{dilation}/{part}"] for part in ("kernel", "bias"))
        rest.append(np.maximum(conv1d(view, kernel, bias, dilation), 0))
    return np.concatenate([highest, views[1], *rest], -1)


def lift(x, w, name):
    """§5.2 with the norms of whole tensors."""

    def step(z, part):
        depthwise = w[f"{name}/{part}/depthwise/kernel"][:, :, 0]
        diagonal = np.stack([np.diag(tap) for tap in depthwise])
        hidden = np.maximum(conv1d(z, diagonal, w[f"{name}/{part}/depthwise/bias"]), 0)
        return np.tanh(swin.linear(hidden, w, f"{name}/{part}/pointwise"))

    def weigh(z, part):
        c = conv1d(z, *(w[f"{name}/{part}/convolution/{leaf}"] for leaf in ("kernel", "bias")))
        c = (c - c.mean(1, keepdims=True)) / np.sqrt(c.var(1, keepdims=True) + 1e-5)
        c = c * w[f"{name}/{part}/norm/gamma"] + w[f"{name}/{part}/norm/beta"]
        return z + z * (1 / (1 + np.exp(-c)) - 0.5)

    even, odd = x[:, 0::2], x[:, 1::2]
    d = odd - step(even, "predict")
    s = even + step(d, "update")
    out = weigh(s, "weigh_approximation") + weigh(d, "weigh_detail")
    return out, np.sqrt(((s - odd) ** 2).sum()) + np.sqrt((d**2).sum())


def lstm(x, w, name, steps):
    """One direction over one clip (steps, channels); gates i, f, g, o."""
    kernel, recurrent, bias = (w[f"{name}/{p}"] for p in ("kernel", "recurrent_kernel", "bias"))
    units = len(recurrent)
    h = c = np.zeros(units)
    out = np.zeros((len(x), units))
    for t in steps:
        i, f, g, o = np.split(x[t] @ kernel + h @ recurrent + bias, 4)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
        out[t] = h
    return out


def bilstm(x, w, steps):
    """§5.3: two layers, each clip to its own length, zeros behind it."""
    for layer in range(2):
        rows = []
        for clip, count in zip(x, steps):
            name = f"layer_{layer}/{{}}_lstm/lstm_cell"
            forward = lstm(clip, w, name.format("forward"), range(count))
            backward = lstm(clip, w, name.format("backward"), reversed(range(count)))
            rows.append(np.concatenate([forward, backward], -1))
        x = np.stack(rows)
    return x


def forward(clips, weights, options, skip=2.0, training=False):
    """Everything from pixels to logits; a list of clips (T, H, W, 3)."""

    def part(name):
        return {k.removeprefix(name): v for k, v in weights.items() if k.startswith(name)}

    frames, lengths = collate(clips)
    features = backbone(frames, part("frame_encoder/"), options, skip, training)
    concatenated = streams(features, part("streams/"))
    x, lifting, w = concatenated, 0.0, part("convolution/")
    for number in (0, 2):
        kernel, bias = (w[f"K5_{number}/convolution/{leaf}"] for leaf in ("kernel", "bias"))
        x = conv1d(x, kernel, bias, pad=False)
        x = np.maximum(batch_norm(x, w, f"K5_{number}/norm", training), 0)
        x, loss = lift(x, w, f"P2_{number + 1}")
        lifting += loss
    steps = [length // 4 - 3 for length in lengths]
    columns = weights["classifier/kernel"]
    columns = columns / np.linalg.norm(columns, axis=0)
    overall = bilstm(x, part("recurrent/"), steps)
    return {
        "features": features,
        "steps": steps,
        "convolution": x @ columns,
        "sequence": overall @ columns,
        "lifting": lifting,
    }


def log_softmax(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def ctc(logits, labels):
    """Negative log likelihood, blank 0, by the forward recursion in log space."""
    extended = [0]
    for label in labels:
        extended += [label, 0]
    log = log_softmax(logits)
    alpha = np.full(len(extended), -np.inf)
    alpha[:2] = log[0, extended[:2]]
    for row in log[1:]:
        new = np.full(len(extended), -np.inf)
        for s, symbol in enumerate(extended):
            paths = [alpha[s]] + ([alpha[s - 1]] if s else [])
            if s > 1 and symbol and symbol != extended[s - 2]:
                paths.append(alpha[s - 2])
            new[s] = np.logaddexp.reduce(paths) + row[symbol]
        alpha = new
    return -np.logaddexp.reduce(alpha[-2:])


def loss(outputs, labels):
    """§6.1, the whole of it."""
    total = 0.001 * outputs["lifting"]
    for head in ("sequence", "convolution"):
        rows = zip(outputs[head], outputs["steps"], labels)
        total += np.mean([ctc(logits[:count], label) for logits, count, label in rows])
    teacher, student = (log_softmax(outputs[h][..., 1:] / 8) for h in ("sequence", "convolution"))
    divergence = (np.exp(teacher) * (teacher - student)).sum(-1)
    return total + 25 * 64 * divergence.mean()
