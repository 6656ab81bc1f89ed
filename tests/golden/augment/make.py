"""Makes the expected results of single transforms; needs `pip install pillow`.

make.py            the expected images, from photo.png beside this script
make.py PHOTOS     photo.png too, from a folder of photos (see README.md)
"""

import colorsys
import pathlib
import sys

from PIL import Image, ImageEnhance

HERE = pathlib.Path(__file__).parent
ENHANCE = {
    "brightness": ImageEnhance.Brightness,
    "contrast": ImageEnhance.Contrast,
    "saturation": ImageEnhance.Color,
}


def hue(image, turn):
    """The standard library's HSV in floating point."""

    def turned(rgb):
        h, s, v = colorsys.rgb_to_hsv(*(value / 255 for value in rgb))
        return tuple(round(value * 255) for value in colorsys.hsv_to_rgb((h + turn) % 1, s, v))

    result = Image.new("RGB", image.size)
    result.putdata([turned(rgb) for rgb in image.get_flattened_data()])
    return result


def main():
    if len(sys.argv) > 1:
        photo = Image.open(pathlib.Path(sys.argv[1]) / "fish/02.jpg").convert("RGB")
        photo.crop((120, 10, 280, 170)).resize((48, 48), Image.Resampling.BOX).save(HERE / "photo.png")
    photo = Image.open(HERE / "photo.png").convert("RGB")
    for name, enhancer in ENHANCE.items():
        for factor in (0.0, 0.7, 1.6):
            enhancer(photo).enhance(factor).save(HERE / f"{name}_{factor}.png", optimize=True)
    for turn in (-0.25, 0.1, 0.4):
        hue(photo, turn).save(HERE / f"hue_{turn}.png", optimize=True)
    for degrees in (-100, 12, 45):
        turned = photo.rotate(degrees, Image.Resampling.BILINEAR)
        turned.save(HERE / f"rotation_{degrees}.png", optimize=True)


main()
