"""Resize and crop pictures (docs/papers/c2st.md §2.1)."""

from dataclasses import dataclass
from types import ModuleType

import numpy as np

from slr_keras.utils.errors import UserError
from slr_keras.utils.extras import install


@dataclass(frozen=True)
class Window:
    """The crop window of the pictures of a clip.

    Attributes:
        top, left: first row and column; may lie outside the picture.
        height, width: size of the crop.
        flip: whether the crop is mirrored.
    """

    top: int
    left: int
    height: int
    width: int
    flip: bool = False

    @classmethod
    def centre(cls, picture: tuple[int, int], crop: tuple[int, int]) -> "Window":
        """The centre window of size `crop` (height, width) in a `picture` (height, width).

        >>> from slr_keras.data.video.pixels import Window
        >>> Window.centre((256, 256), (224, 224))
        Window(top=16, left=16, height=224, width=224, flip=False)
        """
        # Rounded half to even as in the published code, which matters for odd margins.
        top, left = (round((size - cropped) / 2) for size, cropped in zip(picture, crop))
        return cls(top, left, *crop)

    def cut(self, picture: np.ndarray) -> np.ndarray:
        """Crop a picture `(h, w, 3)` to `(height, width, 3)`; the edge is repeated outside.

        >>> import numpy as np
        >>> from slr_keras.data.video.pixels import Window
        >>> picture = np.arange(4).reshape(2, 2, 1)
        >>> Window(-1, 0, 2, 2, flip=True).cut(picture)[..., 0].tolist()
        [[1, 0], [1, 0]]
        """
        height, width = picture.shape[:2]
        bottom, right = self.top + self.height, self.left + self.width
        if min(self.top, self.left) >= 0 and bottom <= height and right <= width:
            cut = picture[self.top : bottom, self.left : right]
        else:
            rows = np.clip(np.arange(self.top, bottom), 0, height - 1)
            columns = np.clip(np.arange(self.left, right), 0, width - 1)
            cut = picture[rows[:, None], columns]
        return cut[:, ::-1] if self.flip else cut


def resize(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize a picture with OpenCV's Lanczos interpolation over 8 x 8 pixels (`INTER_LANCZOS4`).

    Args:
        picture: `(height, width, 3)` uint8.
        size: (width, height) of the result.

    Returns:
        `(size[1], size[0], 3)` uint8; the picture itself if it already has this size.

    Raises:
        UserError: OpenCV is not installed.

    >>> import numpy as np
    >>> from slr_keras.data.video.pixels import resize
    >>> picture = np.zeros((4, 6, 3), np.uint8)
    >>> resize(picture, (6, 4)) is picture
    True
    """
    if picture.shape[1::-1] == tuple(size):
        return picture
    cv2 = library("cv2", "resizing pictures")
    return cv2.resize(picture, size, interpolation=cv2.INTER_LANCZOS4)


def library(name: str, purpose: str) -> ModuleType:
    """Import a library of the extra `video`.

    Raises:
        UserError: the library is not installed; says how to install it.
    """
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UserError(
            f"{purpose} needs {name}, which cannot be imported ({error}); {install('video')}"
        ) from error
