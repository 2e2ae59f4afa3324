"""Holds netgear-media's resizing against cv2.resize, and prints the largest and the mean differences. The antialiased filters,
which OpenCV has not, are held against Pillow's, which are the same ones.

    compare.py RESIZE_RAW DIRECTORY

RESIZE_RAW is the built example `resize_raw` of netgear-media, which resizes from file to file in DIRECTORY. Fails if any
sample differs by more than the limits below.
"""

import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
import PIL
import skimage.data
from PIL import Image

FILTERS = {
    "nearest": cv2.INTER_NEAREST,
    "linear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,
    "lanczos4": cv2.INTER_LANCZOS4,
}
PILLOW = {
    "antialiased-linear": Image.Resampling.BILINEAR,
    "antialiased-cubic": Image.Resampling.BICUBIC,
    "antialiased-lanczos3": Image.Resampling.LANCZOS,
}

# The largest difference of a sample: levels of 8 bits, units of 16 bits, and parts of the range of values for floats.
LIMITS = {"uint8": 1, "uint16": 1, "float32": 1e-5}
UNITS = {"uint8": "levels", "uint16": "units", "float32": "of the range"}

# On x86 OpenCV leaves some of its work to Intel's library (IPP), and with its own code, which it has elsewhere, it comes to
# other results, as far from the first as this.
WITHOUT_IPP = ("linear", "cubic")
LIMITS_WITHOUT_IPP = {"uint8": 1, "uint16": 4, "float32": 8e-5}


def photographs():
    """Those that scikit-image has within its package."""
    yield "astronaut", skimage.data.astronaut()[..., ::-1]
    yield "coffee", skimage.data.coffee()[..., ::-1]
    yield "chelsea", skimage.data.chelsea()[..., ::-1]
    yield "rocket", skimage.data.rocket()[..., ::-1]


def text(width, height):
    """White on black and black on white, of every size."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:, width // 2 :] = 255
    y, size = 12, 0.3
    while y < height + 20:
        for x, colour in ((2, (255, 255, 255)), (width // 2 + 2, (0, 0, 0))):
            words = "The quick brown fox jumps over the lazy dog 0123456789"
            cv2.putText(picture, words, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1, cv2.LINE_AA)
        size *= 1.12
        y += int(36 * size) + 6
    return picture


def pictures(random):
    for name, picture in photographs():
        yield name, np.ascontiguousarray(picture)
    yield "noise", random.integers(0, 256, (360, 481, 3), dtype=np.uint8)
    # Only the extremes: what overshoots does so here.
    yield "black-and-white", (random.integers(0, 2, (243, 322, 3)) * 255).astype(np.uint8)
    yield "text", text(640, 400)


def in_channels(picture, channels):
    if channels == 1:
        return np.ascontiguousarray(picture[..., 1])
    if channels == 4:
        return np.dstack([picture, 255 - picture[..., 0]])
    return picture


def in_elements(picture, element, random):
    """All bits of the wider elements in use."""
    if element == "uint8":
        return picture
    finer = (picture.astype(np.uint16) << 8) | random.integers(0, 256, picture.shape, dtype=np.uint16)
    return finer if element == "uint16" else (finer / 65535.0).astype(np.float32)


def reduced(width, height, percent):
    """VidGear's rule."""
    reduced_width = ((100 - percent) / 100) * width
    return int(reduced_width), int(height * (reduced_width / width))


def cases(random):
    """A kind, a picture, a region of it, and the size to make of that."""
    for name, original in pictures(random):
        for channels in (1, 3, 4):
            for element in LIMITS:
                if element != "uint8" and (channels == 4 or name in ("chelsea", "rocket")):
                    continue
                picture = in_elements(in_channels(original, channels), element, random)
                height, width = picture.shape[:2]
                whole = (0, 0, width, height)
                for percent in (10, 30, 50, 85):
                    yield f"{percent} % off", picture, whole, reduced(width, height, percent)
                if name in ("astronaut", "noise", "text"):
                    for size in ((width * 2, height * 2), (width + 1, height + 1), (701, 541), (997, 331)):
                        yield "enlarged", picture, whole, size
                    for size in ((width, height // 3), (width // 3, height), (width * 2, height // 2), (211, 601)):
                        yield "one side", picture, whole, size
                    for percent in (30, 50):
                        # Each side of the region has other pixels behind it.
                        region = (101, 37, 199, 251 if height > 300 else 151)
                        yield "region", picture, region, reduced(*region[2:], percent)
    sizes = [(1, 1), (1, 7), (7, 1), (2, 2), (3, 5), (1, 97), (97, 1), (13, 17), (31, 8), (9, 64), (65, 33), (101, 103)]
    for channels in (1, 2, 3, 4):
        for element in LIMITS:
            for width, height in sizes:
                noise = random.integers(0, 256, (height, width, channels), dtype=np.uint8)
                picture = in_elements(noise, element, random)
                for size in sizes:
                    yield "odd sizes", picture, (0, 0, width, height), size
    for channels in (1, 3):
        noise = random.integers(0, 256, (1080, 1920, channels), dtype=np.uint8)
        for size in ((1344, 756), (960, 540), (288, 162), (640, 360), (192, 108), (19, 11), (1, 1)):
            yield "1080p", noise, (0, 0, 1920, 1080), size


class Ours:
    def __init__(self, program, directory):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.input, self.output = directory / "input.raw", directory / "output.raw"
        self.written = None

    def ask(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        return self.process.stdout.readline().strip()

    def resize(self, picture, region, size, name, threads):
        if self.written is not picture:
            picture.tofile(self.input)
            self.written = picture
        height, width = picture.shape[:2]
        channels = picture.shape[2] if picture.ndim == 3 else 1
        words = ["resize", self.input, width, height, channels, picture.dtype, ",".join(map(str, region)), *size, name, threads]
        answer = self.ask(*words, self.output)
        if answer != "ok":
            sys.exit(f"resize_raw: {answer or 'it ended'}")
        return np.fromfile(self.output, picture.dtype).reshape(size[1], size[0], channels)


def expectations(picture, size):
    """Names of filters, what others make of the picture with them, and how far ours may be from it."""
    for name, flag in FILTERS.items():
        yield name, cv2.resize(picture, size, interpolation=flag), LIMITS
    cv2.ipp.setUseIPP(False)
    for name in WITHOUT_IPP:
        yield f"{name} (no IPP)", cv2.resize(picture, size, interpolation=FILTERS[name]), LIMITS_WITHOUT_IPP
    cv2.ipp.setUseIPP(True)
    if picture.dtype != np.uint16:
        for name, flag in PILLOW.items():
            yield name, by_pillow(picture, size, flag), LIMITS


def by_pillow(picture, size, flag):
    """Channel by channel, in single precision: in bytes Pillow cuts off what goes beyond them halfway."""
    channels = np.atleast_3d(picture).astype(np.float32)
    resized = [Image.fromarray(np.ascontiguousarray(channels[..., i])).resize(size, flag) for i in range(channels.shape[2])]
    exact = np.dstack([np.asarray(channel) for channel in resized])
    return exact if picture.dtype == np.float32 else np.clip(np.rint(exact), 0, 255)


def main():
    program, directory = sys.argv[1], Path(sys.argv[2])
    random = np.random.default_rng(5)
    ours = Ours(program, directory)
    largest, sums, counts = defaultdict(float), defaultdict(float), defaultdict(int)
    number = 0
    failures = []
    for kind, picture, region, size in cases(random):
        x, y, width, height = region
        part = picture[y : y + height, x : x + width]
        element = str(picture.dtype)
        for name, expected, limits in expectations(part, size):
            number += 1
            found = ours.resize(picture, region, size, name.split()[0], 1 + number % 2)
            expected = expected.reshape(found.shape)
            difference = np.abs(found.astype(np.float64) - expected)
            # NaN is no difference that is within limits.
            worst = np.nan_to_num(difference.max(), nan=np.inf)
            if worst > limits[element]:
                where = tuple(map(int, np.unravel_index(difference.argmax(), difference.shape)))
                failures.append(
                    f"{name} {element} {part.shape} to {size}, {kind}: {worst} at {where}: {found[where]} for {expected[where]}"
                )
            key = (name, element, kind)
            largest[key] = max(largest[key], worst)
            sums[key] += difference.sum()
            counts[key] += difference.size
    ours.process.stdin.close()
    print_table(largest, sums, counts)
    samples = sum(counts.values())
    print(f"\n{number} pictures, {samples:,} samples; OpenCV {cv2.__version__}, Pillow {PIL.__version__}")
    for failure in failures[:40]:
        print("TOO FAR:", failure)
    if failures:
        sys.exit(f"{len(failures)} of {number} pictures differ by more than the limits")


def print_table(largest, sums, counts):
    kinds = list(dict.fromkeys(kind for _, _, kind in largest))
    for element in LIMITS:
        limit = LIMITS[element]
        print(f"\n{element}: largest difference / mean difference, limit {limit:g} {UNITS[element]}")
        print(f"{'':20}" + "".join(f"{kind:>21}" for kind in kinds))
        for name in dict.fromkeys(name for name, of, _ in largest if of == element):
            cells = []
            for kind in kinds:
                key = (name, element, kind)
                cells.append(f"{largest[key]:.3g} / {sums[key] / counts[key]:.2g}" if key in counts else "-")
            print(f"{name:20}" + "".join(f"{cell:>21}" for cell in cells))


if __name__ == "__main__":
    main()
