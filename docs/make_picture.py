"""Draw docs/signing.gif: a simulated signer, the points, and the glosses of the demo's run.

slr simulate --lexicon demo --to data/demo
slr fit stark_demo --to runs/demo
slr simulate --train 6 --dev 1 --test 12 --frames 420x520 --video mp4 --to data/picture
python docs/make_picture.py runs/demo data/picture docs/signing.gif
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

from slr_keras import Run, read_folder
from slr_keras.data.simulator.simulator import FRAMED, FRAMED_MIDDLE
from slr_keras.recognition.annotated.caption import Caption
from slr_keras.recognition.annotated.pictures import scene_of_points
from slr_keras.recognition.clip import Clip, Gloss, Points, Prediction
from slr_keras.recognition.modality.base import Overrides
from slr_keras.recognition.recogniser import Recogniser

EVERY = 3  # of 25 pictures a second
WIDTH = 360
ABOVE = 0.14  # part of the picture above the signer that is left out
NOISE = 14  # largest change of a pixel, of 255, that is not shown


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("run", "data", "to"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--sample", type=int, default=1)
    options = parser.parse_args()
    test = read_folder(options.data)["test"]
    sample, contract = test[options.sample], test.contract
    values = test.load(options.sample)
    with Recogniser(Run.load(options.run)) as recogniser:
        found = recogniser.recognise(values, sample.fps)
    signs = tuple(
        Gloss(gloss, *span, confidence)
        for gloss, span, confidence in zip(found.glosses, found.times, found.confidences)
    )
    print("signed:", *sample.glosses, "| recognised:", *found.glosses)
    prediction = Prediction(sample.id, str(test.path), sample.frames, sample.fps, signs)
    video = options.data / sample.video
    size = json.loads((options.data / "frames.json").read_text())["size"]
    points = Points(_in_frames(values, contract.image_size, size), sample.fps, contract.source)
    clip = Clip(sample.id, str(video), lambda: points, video=video)
    scene = scene_of_points(clip, points, prediction, contract, Overrides())
    caption, pictures = None, []
    for number, picture in enumerate(scene.pictures):
        if number % EVERY:
            continue
        picture = picture.crop((0, round(ABOVE * picture.height), *picture.size))
        caption = caption or Caption(prediction, *picture.size)
        framed = Image.new("RGB", (picture.width, picture.height + caption.height))
        framed.paste(picture)
        framed.paste(caption.drawn((number + 0.5) / float(scene.fps)), (0, picture.height))
        pictures.append(framed.resize((WIDTH, round(WIDTH * framed.height / framed.width))))
    few = _quantized(_without_noise(pictures))
    few[0].save(
        options.to, save_all=True, append_images=few[1:], duration=EVERY * 40, loop=0, optimize=True
    )
    print(f"{options.to}: {options.to.stat().st_size} bytes, {len(few)} pictures of {few[0].size}")


def _in_frames(values: np.ndarray, image: tuple[float, float], size: list[int]) -> np.ndarray:
    """The points where the frames show them: the frames are cut to the signing space."""
    scale = min(size) / (FRAMED * image[1])
    moved = values.copy()
    middle = np.array([image[0] / 2, FRAMED_MIDDLE * image[1]])
    places = np.array(size) / 2 + scale * (values[..., :2] - middle)
    moved[..., :2] = np.where(values[..., :2] == 0, 0, places * np.array(image) / size)
    return moved


def _without_noise(pictures: list[Image.Image]) -> list[Image.Image]:
    """Pictures whose pixels keep their colour until they change by more than noise."""
    shown = [np.asarray(pictures[0]).astype(int)]
    for picture in pictures[1:]:
        new = np.asarray(picture).astype(int)
        moved = abs(new - shown[-1]).max(-1, keepdims=True) > NOISE
        shown.append(np.where(moved, new, shown[-1]))
    return [Image.fromarray(values.astype(np.uint8)) for values in shown]


def _quantized(pictures: list[Image.Image]) -> list[Image.Image]:
    """Pictures with one palette, so that what stays the same is stored once."""
    chosen = pictures[:: max(len(pictures) // 6, 1)]
    sheet = Image.new("RGB", (WIDTH, sum(picture.height for picture in chosen)))
    for place, picture in enumerate(chosen):
        sheet.paste(picture, (0, place * picture.height))
    palette = sheet.quantize(128, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    return [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]


if __name__ == "__main__":
    main()
