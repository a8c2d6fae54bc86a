"""Run a SavedModel on clips in a separate process that imports TensorFlow alone.

    python -P reload.py VERSION CLIPS.npz RESULTS.npz

`CLIPS.npz` holds each clip under its name, and the name of the input as `__input__`. Results are
`SIGNATURE/NAME/OUTPUT` for each clip alone, and `together/NAME`, its scores in a padded batch of
all clips whose frames have the same shape.
"""

import sys

import numpy as np
import tensorflow as tf

FEATURES = "serving_features"
ENCODED = "serving_encoded"


def main(version: str, clips_path: str, results_path: str) -> None:
    """Write the results; errors of TensorFlow are not caught."""
    with np.load(clips_path) as file:
        clips = dict(file)
    name_of_input = str(clips.pop("__input__"))
    # The loaded object keeps the variables alive.
    loaded = tf.saved_model.load(version)
    results = {}
    for signature, function in loaded.signatures.items():
        if signature == "serving_context":
            continue
        for name, clip in clips.items():
            content = tf.constant(clip[None])
            key = name_of_input
            if signature == ENCODED:
                key = "encoded"
                content = tf.stack([tf.io.encode_png(picture) for picture in clip])[None]
            outputs = function(**{key: content, "lengths": tf.constant([len(clip)])})
            results |= {f"{signature}/{name}/{key}": x.numpy() for key, x in outputs.items()}
    results |= together(loaded.signatures["serving_default"], name_of_input, clips)
    np.savez(results_path, **results)


def together(function, name_of_input: str, clips: dict) -> dict:
    """Scores of clips in padded batches, cut to the steps of each clip; the padding is not zero."""
    results = {}
    for shape in {clip.shape[1:] for clip in clips.values()}:
        group = {name: clip for name, clip in clips.items() if clip.shape[1:] == shape}
        longest = max(map(len, group.values())) + 3
        padded = np.stack(
            [np.concatenate([c, c[:1].repeat(longest - len(c), 0)]) for c in group.values()]
        )
        lengths = np.int32([len(clip) for clip in group.values()])
        outputs = function(**{name_of_input: tf.constant(padded), "lengths": tf.constant(lengths)})
        for row, name in enumerate(group):
            scores = outputs["logits"][row]
            if "lengths" in outputs:
                scores = scores[: outputs["lengths"][row]]
            results[f"together/{name}"] = scores.numpy()
    return results


if __name__ == "__main__":
    main(*sys.argv[1:])
