"""Writes what cv2.resize makes of two small pictures, for tests/opencv_pictures.rs: `cargo xtask opencv --expected`.

`photograph.png` is a part of scikit-image's `astronaut` (public domain), `text.png` is drawn. Each `*.png` beside them is named
`PICTURE-CHANNELS-FILTER-WIDTHxHEIGHT`. `samples.txt` has some samples of pictures of wider elements, and `checksums.txt` the
CRC-32 of BGR pixels of NEAREST, in which there is nothing to round.
"""

import zlib
from pathlib import Path

import cv2
import numpy as np
import skimage.data

HERE = Path(__file__).parent
FILTERS = {
    "nearest": cv2.INTER_NEAREST,
    "linear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,
    "lanczos4": cv2.INTER_LANCZOS4,
}


def save(name, picture):
    if not cv2.imwrite(str(HERE / name), picture, [cv2.IMWRITE_PNG_COMPRESSION, 9]):
        raise SystemExit(f"could not write {name}")


def main():
    for old in [*HERE.glob("*.png"), *HERE.glob("*.txt")]:
        old.unlink()
    astronaut = np.ascontiguousarray(skimage.data.astronaut()[70:137, 180:271, ::-1])
    text = np.full((48, 83, 3), 255, np.uint8)
    for i, size in enumerate((0.3, 0.4, 0.5)):
        cv2.putText(text, "NetGear 0123", (1, 11 + 15 * i), cv2.FONT_HERSHEY_SIMPLEX, size, (0, 60 * i, 0), 1)
    save("photograph.png", astronaut)
    save("text.png", text)

    # 10, 30, 50 and 85 % off by VidGear's rule, larger, odd and one side alone.
    sizes = {
        "photograph": [(81, 60), (63, 46), (45, 33), (13, 10), (107, 73), (91, 19), (17, 67), (1, 7)],
        "text": [(74, 43), (58, 33), (41, 24), (12, 7), (131, 61)],
    }
    checksums = []
    for name, picture in (("photograph", astronaut), ("text", text)):
        gray = np.ascontiguousarray(picture[..., 1])
        bgra = np.dstack([picture, 255 - picture[..., 0]])
        for number, (filter, flag) in enumerate(FILTERS.items()):
            for size in sizes[name]:
                # In turns, so that every kind meets every filter.
                channels = (1, 3, 4)[(sizes[name].index(size) + number) % 3]
                kind = {1: gray, 3: picture, 4: bgra}[channels]
                resized = cv2.resize(kind, size, interpolation=flag)
                if filter == "nearest":
                    checksums.append(f"{name} {channels} {size[0]} {size[1]} {zlib.crc32(resized.tobytes())}")
                else:
                    save(f"{name}-{channels}-{filter}-{size[0]}x{size[1]}.png", resized)
    (HERE / "checksums.txt").write_text("\n".join(checksums) + "\n", encoding="ascii")

    # 16 bits and floats, made of the photograph by arithmetic that needs no rounding: every so many samples.
    wide = astronaut.astype(np.uint16) * 257
    narrow = astronaut.astype(np.float32) / 256
    samples = []
    for filter, flag in FILTERS.items():
        for size in ((63, 46), (107, 73)):
            for picture, step in ((wide, 211), (narrow, 307)):
                found = cv2.resize(picture, size, interpolation=flag).ravel()[::step]
                words = " ".join(f"{sample:.8g}" for sample in found)
                samples.append(f"{picture.dtype} {filter} {size[0]} {size[1]} {step} {words}")
    (HERE / "samples.txt").write_text("\n".join(samples) + "\n", encoding="ascii")
    (HERE / "opencv-version.txt").write_text(cv2.__version__ + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
