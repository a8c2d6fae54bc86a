"""What every image backbone has in common."""

from collections.abc import Callable

import keras


class Backbone(keras.layers.Layer):
    """A network that turns single frames into vectors.

    Call arguments of every subclass:
        inputs: `(frames, height, width, 3)`, normalised; height and width static.
        valid: `(frames,)`, 1 on frames that batch statistics may see. Defaults to all.
        noise: what `draw` gave; drawn by the call itself if it is absent.

    Returns:
        `(frames, width)`.

    Attributes:
        width: channels of the output.
        batch_statistics: whether, in training, a frame's result depends on the other frames
            (batch normalisation), so that frames may not be taken in chunks.
        framewise: whether it gives one vector for each frame, whatever the other frames are. Those
            that do not, give the maps of whole clips, for the models of isolated signs.
        example_shape: of inputs, None where any size will do; it can be built with that.
        input_kernel: name of the weight that sees the channels of the pictures.
    """

    width: int
    batch_statistics: bool = False
    framewise: bool = True
    example_shape: tuple[int | None, ...] = (None, None, None, 3)
    input_kernel: str = ""

    def draw(self, frames):
        """Random numbers that `call` uses in training for so many frames, or None.

        Drawn outside of `call`, so that a recomputation sees the same numbers.

        Returns:
            `(frames, k)` with a k of the backbone's choice.
        """
        return None

    def stages(self) -> list[tuple[Callable, list[keras.layers.Layer]]]:
        """Of backbones of clips, the functions that make up `call`, one after the other.

        Each takes maps, `valid` and `training`; with it come the layers whose weights it uses.
        """
        raise NotImplementedError(f"{type(self).__name__} has no stages of clips")

    def compute_output_shape(self, inputs_shape, **_):
        return (inputs_shape[0], self.width)

    def named_weights(self) -> dict[str, keras.Variable]:
        """The weights by their name inside of the backbone, whatever it is part of.

        Trainable weights and running statistics; not the state of random generators.

        Raises:
            ValueError: the backbone is not built.
        """
        if not self.built:
            raise ValueError(f"backbone {self.name!r} has no weights before it is built")
        prefix = f"{self.path}/"
        return {weight.path.removeprefix(prefix): weight for weight in self.weights}
