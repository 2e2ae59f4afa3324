"""Draws the pictures of docs/resizing.md: what each filter makes of fine detail, ours beside OpenCV's.

    pictures.py RESIZE_RAW DIRECTORY OUTPUT
"""

import sys
from pathlib import Path

import cv2
import numpy as np

from compare import FILTERS, Ours

ANTIALIASED = ("antialiased-linear", "antialiased-cubic", "antialiased-lanczos3")


def zone_plate(side):
    """Rings that become finer outwards, up to one pixel black and one white at the middle of each side."""
    x = np.arange(side) - (side - 1) / 2
    squares = x[:, None] ** 2 + x[None, :] ** 2
    return (127.5 + 127.5 * np.cos(np.pi * squares / side)).astype(np.uint8)


def page(width, height):
    """Lines of small type, as on a screen that is filmed."""
    picture = np.full((height, width), 255, np.uint8)
    words = ["The sender transmits frames and", "receives data; 0123456789 fps", "il1| rn m  %$&@ {[(<>)]} =+-~", "Quick brown foxes, lazy dogs."]
    for i in range(height // 24 + 1):
        cv2.putText(picture, words[i % 4], (6, 18 + 24 * i), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 0, 1, cv2.LINE_AA)
    picture[:, width - 60 :] = np.where((np.arange(60) // 2 % 2 == 0)[None, :], 0, 255)
    return picture


def caption(picture, text):
    band = np.full((18, picture.shape[1]), 255, np.uint8)
    cv2.putText(band, text, (2, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.4, 0, 1, cv2.LINE_AA)
    return np.vstack([band, picture])


def montage(ours, original, size, crop, enlarge):
    """A column for each filter: OpenCV's picture above ours. The antialiased ones are ours alone."""
    height, width = original.shape
    whole = (0, 0, width, height)
    tile = lambda picture: np.kron(picture[crop], np.ones((enlarge, enlarge), np.uint8))
    resize = lambda name: ours.resize(original, whole, size, name, 1)[..., 0]
    white = None
    columns = []
    for name, flag in FILTERS.items():
        theirs = caption(tile(cv2.resize(original, size, interpolation=flag)), f"cv2 {name}")
        column = np.vstack([theirs, caption(tile(resize(name)), f"ours {name}")])
        white = np.full((column.shape[0], 6), 255, np.uint8)
        columns += [column, white]
    first = np.hstack(columns)
    row = []
    for name in ANTIALIASED:
        row += [caption(tile(resize(name)), name.replace("antialiased", "aa")), white[: first.shape[0] // 2]]
    second = np.hstack(row)
    missing = first.shape[1] - second.shape[1]
    return np.vstack([first, np.pad(second, ((0, 0), (0, missing)), constant_values=255)])


def main():
    program, directory, output = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    ours = Ours(program, directory)
    pictures = {
        "resize-zone-plate.png": montage(ours, zone_plate(400), (120, 120), np.s_[:, :], 1),
        "resize-text.png": montage(ours, page(400, 120), (200, 60), np.s_[:, 0:48], 3),
        "resize-stripes.png": montage(ours, page(400, 120), (280, 84), np.s_[0:48, 232:280], 3),
    }
    for name, picture in pictures.items():
        if not cv2.imwrite(str(output / name), picture, [cv2.IMWRITE_PNG_COMPRESSION, 9]):
            sys.exit(f"could not write {name}")
        print(f"{name}: {picture.shape[1]}x{picture.shape[0]}, {(output / name).stat().st_size:,} bytes")
    ours.process.stdin.close()


if __name__ == "__main__":
    main()
