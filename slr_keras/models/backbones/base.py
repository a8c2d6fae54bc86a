"""Base class of backbones."""

from collections.abc import Callable

import keras


class Backbone(keras.layers.Layer):
    """A network from frames to one feature vector per frame, or from clips to feature maps.

    Call arguments of every subclass:
        inputs: `(frames, height, width, 3)`, normalised; height and width static.
        valid: `(frames,)`, 1 on frames that batch statistics may see. Defaults to all.
        noise: the result of `draw`. Defaults to `None`: the call draws it itself.

    Returns:
        `(frames, width)`.

    Attributes:
        width: channels of the output (embed_dim).
        batch_statistics: whether, in training, a frame's result depends on the other frames
            (batch normalisation), so that frames may not be taken in chunks.
        framewise: whether the output is one vector for each frame, independent of the other
            frames. Otherwise it is the maps of whole clips, for models of isolated signs.
        example_shape: an input shape to build with, None where any size will do.
        input_kernel: name of the weight that is applied to the input channels.
    """

    width: int
    batch_statistics: bool = False
    framewise: bool = True
    example_shape: tuple[int | None, ...] = (None, None, None, 3)
    input_kernel: str = ""

    def draw(self, frames):
        """Draw the random numbers that `call` uses in training for this many frames.

        They are drawn outside of `call`, so that a recomputation uses the same numbers.

        Returns:
            `(frames, k)`, where k depends on the backbone; None if nothing is random.
        """
        return None

    def stages(self) -> list[tuple[Callable, list[keras.layers.Layer]]]:
        """For backbones of clips: the functions that `call` applies one after the other.

        Each function takes maps, `valid` and `training`, and comes with the layers whose weights it
        uses.

        Raises:
            NotImplementedError: a backbone of frames.
        """
        raise NotImplementedError(f"{type(self).__name__} has no stages of clips")

    def compute_output_shape(self, inputs_shape, **_):
        return (inputs_shape[0], self.width)

    def named_weights(self) -> dict[str, keras.Variable]:
        """The weights by their name within the backbone, without the names of enclosing layers.

        These are the trainable weights and running statistics, without random generators' state.

        Raises:
            ValueError: the backbone is not built.
        """
        if not self.built:
            raise ValueError(f"backbone {self.name!r} has no weights before it is built")
        prefix = f"{self.path}/"
        return {weight.path.removeprefix(prefix): weight for weight in self.weights}
