"""Makes small valid files of every format with Pillow (its AVIF and WebP plugins included), and what Pillow says of them.

make.py            needs `pip install pillow numpy`
"""

import json
import pathlib

import numpy as np
from PIL import ExifTags, Image

HERE = pathlib.Path(__file__).parent
WIDTH, HEIGHT = 19, 13


def picture(shift=0):
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    rgb = np.stack([13 * x + shift, 19 * y, 5 * (x + y)], axis=-1) & 255
    return Image.fromarray(rgb.astype(np.uint8))


def exif(orientation):
    block = Image.Exif()
    block[ExifTags.Base.Make] = "camera"
    block[ExifTags.Base.Orientation] = orientation
    block[ExifTags.Base.Software] = "software"
    return block


def main():
    plain, alpha = picture(), picture().convert("RGBA")
    alpha.putalpha(100)
    frames = {"save_all": True, "append_images": [picture(80)], "duration": 100}

    plain.save(HERE / "baseline.jpg", quality=60)
    plain.save(HERE / "progressive.jpg", quality=60, progressive=True, restart_marker_blocks=1)
    plain.convert("L").save(HERE / "grey.jpg", quality=60)
    for orientation in range(1, 9):
        plain.save(HERE / f"orientation{orientation}.jpg", quality=30, exif=exif(orientation))
    plain.save(HERE / "plain.png")
    alpha.save(HERE / "alpha.png")
    plain.quantize(16).save(HERE / "palette.png")
    plain.save(HERE / "orientation6.png", exif=exif(6))
    plain.save(HERE / "animated.png", **frames)
    plain.quantize(16).save(HERE / "plain.gif")
    plain.save(HERE / "animated.gif", **frames)
    plain.save(HERE / "lossy.webp", quality=50)
    plain.save(HERE / "lossless.webp", lossless=True)
    alpha.save(HERE / "alpha.webp", quality=50)
    plain.save(HERE / "orientation8.webp", quality=50, exif=exif(8))
    plain.save(HERE / "animated.webp", **frames)
    plain.save(HERE / "plain.bmp")
    plain.quantize(16).save(HERE / "palette.bmp")
    plain.save(HERE / "plain.avif", quality=50)
    alpha.save(HERE / "alpha.avif", quality=50)
    plain.save(HERE / "animated.avif", **frames)

    cases = []
    for path in sorted(HERE.iterdir()):
        if path.suffix in (".py", ".md", ".json"):
            continue
        with Image.open(path) as image:
            orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
            cases.append(
                {
                    "file": path.name,
                    "format": image.format.lower(),
                    "width": image.width,
                    "height": image.height,
                    "orientation": orientation,
                    "frames": getattr(image, "n_frames", 1),
                }
            )
    (HERE / "cases.json").write_text("[\n" + ",\n".join(map(json.dumps, cases)) + "\n]\n")


main()
