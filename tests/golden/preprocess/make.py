"""Makes the expected crops with Pillow; needs `pip install pillow numpy`.

make.py            the expected crops and normalised values, from the inputs beside this script
make.py PHOTOS     the inputs too, from a folder of photos (see README.md)
"""

import json
import pathlib
import sys

import numpy as np
from PIL import Image

HERE = pathlib.Path(__file__).parent
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CASES = [
    # input, input size, crop_pct, filter
    ("landscape_301x199", 224, 0.875, "bilinear"),
    ("portrait_97x173", 224, 0.875, "bilinear"),
    ("detail_640x427", 224, 0.875, "bilinear"),
    ("detail_640x427", 96, 0.875, "bilinear"),
    ("detail_640x427", 160, 1.0, "bilinear"),
    ("thin_61x700", 96, 0.9, "bilinear"),
    ("wide_333x7", 96, 0.875, "bilinear"),
    ("pattern_4000x3000", 64, 0.875, "bilinear"),
    ("landscape_301x199", 96, 0.875, "bicubic"),
    ("portrait_97x173", 160, 0.875, "bicubic"),
]


def inputs(photos):
    def photo(name):
        return Image.open(photos / name).convert("RGB")

    photo("mammal/07.jpg").crop((9, 7, 310, 206)).save(HERE / "landscape_301x199.png")
    photo("mammal/09.jpg").crop((70, 60, 167, 233)).save(HERE / "portrait_97x173.png")

    detail = Image.new("RGB", (640, 427))
    for index, name in enumerate(["mammal/03.jpg", "mammal/10.jpg", "mammal/17.jpg", "mammal/04.jpg"]):
        detail.paste(photo(name), (index % 2 * 320, index // 2 * 180))
    detail.paste(photo("mammal/05.jpg"), (0, 360))
    detail.paste(photo("mammal/19.jpg"), (320, 370))
    # A palette makes the file small; its hard edges make the test harder, not easier.
    detail.quantize(64, dither=Image.Dither.NONE).save(HERE / "detail_640x427.png", optimize=True)

    thin = Image.new("RGB", (61, 700))
    for index, left in enumerate((20, 90, 160, 230)):
        thin.paste(photo("mammal/10.jpg").crop((left, 0, left + 61, 180)), (0, index * 175))
    thin.save(HERE / "thin_61x700.png", optimize=True)
    wide = photo("mammal/03.jpg").resize((333, 187)).crop((0, 90, 333, 97))
    wide.save(HERE / "wide_333x7.png", optimize=True)


def pattern(width, height):
    """A picture that needs no file: the test makes the same one."""
    y, x = np.mgrid[0:height, 0:width]
    rgb = np.stack([(7 * x + 3 * y) >> 4, (x * y) >> 10, x ^ y], axis=-1) & 255
    return Image.fromarray(rgb.astype(np.uint8))


def crop(image, input_size, crop_pct, interpolation):
    """torchvision's Resize (an int) and CenterCrop."""
    size = round(input_size / crop_pct)
    width, height = image.size
    short, long = min(width, height), max(width, height)
    longer = int(size * long / short)
    resized = (size, longer) if width <= height else (longer, size)
    image = image.resize(resized, Image.Resampling[interpolation.upper()])
    top = int(round((resized[1] - input_size) / 2.0))
    left = int(round((resized[0] - input_size) / 2.0))
    return image.crop((left, top, left + input_size, top + input_size))


def normalised(image):
    """torchvision's ToTensor and Normalize, in float32, kept [height, width, 3]."""
    values = np.asarray(image).astype(np.float32) / np.float32(255)
    return (values - np.float32(MEAN)) / np.float32(STD)


def main():
    if len(sys.argv) > 1:
        inputs(pathlib.Path(sys.argv[1]))
    cases = []
    for name, input_size, crop_pct, interpolation in CASES:
        if name.startswith("pattern_"):
            image = pattern(*map(int, name.removeprefix("pattern_").split("x")))
        else:
            image = Image.open(HERE / f"{name}.png").convert("RGB")
        mark = "" if interpolation == "bilinear" else f"_{interpolation}"
        expected = f"{name}_crop{input_size}_{crop_pct}{mark}.png"
        cropped = crop(image, input_size, crop_pct, interpolation)
        cropped.save(HERE / expected, optimize=True)
        # The values of the middle row, one pixel in seven.
        values = normalised(cropped)[input_size // 2, ::7].ravel().tolist()
        cases.append(
            {
                "input": name,
                "inputSize": input_size,
                "cropPct": crop_pct,
                "interpolation": interpolation,
                "expected": expected,
                "normalised": values,
            }
        )
    lines = ",\n".join(map(json.dumps, cases))
    (HERE / "cases.json").write_text(f"[\n{lines}\n]\n")


main()
