"""A small real encoder that counts the clips it encodes."""

from plain_encoder import PlainEncoder


class CountingEncoder(PlainEncoder):
    """A real encoder that counts the clips it encodes."""

    clips = 0

    def encode(self, clips):
        self.clips += len(clips)
        return super().encode(clips)
