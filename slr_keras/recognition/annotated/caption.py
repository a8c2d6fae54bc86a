"""The caption of an annotated video: the current sign, the sentence so far, and a timeline."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from slr_keras.recognition.clip import Gloss, Prediction

# Light on dark, so that brightness tells the colours apart for every eye (Okabe and Ito's palette).
_PAPER, _INK, _DIM = (18, 18, 18), (255, 255, 255), (150, 150, 150)
_NOW, _CONFIDENCE = (240, 228, 66), (86, 180, 233)
# Parts of the height of the strip; the large line is read at half size, too.
_LEAST_HEIGHT, _SHARE = 104, 0.2
_LARGE, _SMALL, _LEAST_LARGE = 0.44, 0.23, 0.26


class _Fonts(NamedTuple):
    large: Path
    small: Path


class Caption:
    """Draws the strip below the pictures of one clip.

    Args:
        prediction: the signs and their times.
        width, height: of the pictures, in pixels.

    Attributes:
        height: of the strip, in pixels.
    """

    def __init__(self, prediction: Prediction, width: int, height: int):
        self.signs = prediction.glosses
        self.width = width
        self.height = max(_LEAST_HEIGHT, round(_SHARE * min(width, height)))
        self._seconds = prediction.frames / prediction.fps
        self._margin = round(0.1 * self.height)
        fonts = _fonts("".join(gloss.gloss for gloss in self.signs))
        self._small = _font(fonts.small, round(_SMALL * self.height))
        self._large = fonts.large

    def drawn(self, time: float):
        """The strip as a `PIL.Image`, `time` seconds from the start of the clip.

        During a sign, its gloss is white and marked; it stays in grey until the next one begins.
        """
        from PIL import Image, ImageDraw

        strip = Image.new("RGB", (self.width, self.height), _PAPER)
        pen = ImageDraw.Draw(strip)
        begun = [sign for sign in self.signs if sign.start <= time]
        current = [sign for sign in begun if time < sign.end]
        self._draw_signs(pen, current or begun[-1:], _INK if current else _DIM)
        if current:
            bar = round(0.3 * self._margin)
            pen.rectangle([0, 0, bar, round(0.62 * self.height)], fill=_NOW)
        self._draw_sentence(pen, begun, len(current))
        self._draw_timeline(pen, time)
        return strip

    def _draw_signs(self, pen, signs: Sequence[Gloss], ink: tuple[int, int, int]) -> None:
        left, line, font = self._margin, round(0.34 * self.height), self._fitting(signs)
        for sign in signs:
            confidence = f" {_percent(sign)} "
            room = self.width - left - pen.textlength(confidence, font=font)
            gloss = _cut(sign.gloss, font, room)
            pen.text((left, line), gloss, fill=ink, font=font, anchor="lm")
            left += pen.textlength(gloss, font=font)
            colour = _DIM if ink == _DIM else _CONFIDENCE
            pen.text((left, line), confidence, fill=colour, font=font, anchor="lm")
            left += pen.textlength(confidence, font=font)

    def _draw_sentence(self, pen, begun: list[Gloss], current: int) -> None:
        line, room = round(0.73 * self.height), self.width - 2 * self._margin
        first = 0
        while first < len(begun) - 1 and self._sentence(pen, begun, first) > room:
            first += 1
        left = float(self._margin)
        words = ["… "] if first else []
        words += [f"{sign.gloss}  " for sign in begun[first:]]
        for place, text in enumerate(words):
            ink = _NOW if place >= len(words) - current else _DIM
            text = _cut(text, self._small, self.width - left)
            pen.text((left, line), text, fill=ink, font=self._small, anchor="lm")
            left += pen.textlength(text, font=self._small)

    def _sentence(self, pen, begun: list[Gloss], first: int) -> float:
        text = "… " * bool(first) + "  ".join(sign.gloss for sign in begun[first:])
        return pen.textlength(text, font=self._small)

    def _draw_timeline(self, pen, time: float) -> None:
        scale = self.width / self._seconds
        top, bottom = round(0.9 * self.height), round(0.97 * self.height)
        middle = (top + bottom) // 2
        pen.line([0, middle, self.width, middle], fill=(70, 70, 70))
        for sign in self.signs:
            left, right = sign.start * scale, max(sign.end * scale - 1, sign.start * scale + 1)
            pen.rectangle([left, top, right, bottom], fill=_CONFIDENCE)
        pen.rectangle(
            [time * scale - 1, round(0.86 * self.height), time * scale + 1, self.height], fill=_NOW
        )

    def _fitting(self, signs: Sequence[Gloss]):
        """The largest font in which the signs fit with their confidences."""
        room = self.width - 2 * self._margin
        size = round(_LARGE * self.height)
        text = " ".join(f"{sign.gloss} {_percent(sign)}" for sign in signs)
        length = _font(self._large, size).getlength(text)
        if length > room:
            size = max(round(_LEAST_LARGE * self.height), int(size * room / length))
        return _font(self._large, size)


def _cut(text: str, font, room: float) -> str:
    """The beginning of a text that fits into `room` pixels."""
    if font.getlength(text.rstrip()) <= room:
        return text
    while text and font.getlength(f"{text}…") > room:
        text = text[:-1]
    return f"{text}…"


def _percent(sign: Gloss) -> str:
    return f"{100 * sign.confidence:.0f} %"


@cache
def _font(path: Path, size: int):
    from PIL import ImageFont

    return ImageFont.truetype(str(path), size)


@cache
def _fonts(text: str) -> _Fonts:
    """DejaVu, or where it lacks a character of the text a font of the system that has all."""
    import matplotlib
    from matplotlib.font_manager import findSystemFonts

    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    usual = _Fonts(folder / "DejaVuSans-Bold.ttf", folder / "DejaVuSans.ttf")
    wanted = {ord(character) for character in text if not character.isspace()}
    if all(wanted <= _characters(font) for font in usual):
        return usual
    others = map(Path, sorted(findSystemFonts()))
    found = next((font for font in others if wanted <= _characters(font)), None)
    return usual if found is None else _Fonts(found, found)


def _characters(font: Path) -> set[int]:
    from matplotlib.ft2font import FT2Font

    try:
        return set(FT2Font(str(font)).get_charmap())
    except RuntimeError:
        # Some fonts of a system are not readable, or hold pictures only.
        return set()


def lacks_characters(prediction: Prediction) -> str:
    """The characters of the glosses that no font here can show."""
    text = "".join(gloss.gloss for gloss in prediction.glosses)
    known = _characters(_fonts(text).large)
    return "".join(sorted({c for c in text if not c.isspace() and ord(c) not in known}))
