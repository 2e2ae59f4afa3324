"""Prints what OpenCV makes of the pictures of main.rs, as the table that it holds the pipeline against.

    pip install opencv-python-headless
    python crates/netgear-media/tests/opencv_steps/expected.py
"""

import cv2
import numpy as np


def noise(width, height, channels, dtype):
    state, levels = 7, []
    for _ in range(width * height * channels):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        levels.append(state >> 16)
    levels = np.array(levels, dtype=np.uint32)
    levels = {"u8": levels & 0xFF, "u16": levels, "f32": levels / np.float32(65536)}[dtype]
    return levels.astype({"u8": np.uint8, "u16": np.uint16, "f32": np.float32}[dtype]).reshape(height, width, channels)


def digest(image):
    """FNV-1a of 64 bits."""
    state = 0xCBF29CE484222325
    for byte in np.ascontiguousarray(image).tobytes():
        state = ((state ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{state:016x}"


def scaled(image, alpha, beta, depth):
    return cv2.addWeighted(image, alpha, image, 0, beta, dtype=depth)


def print_row(name, image):
    print(f'("{name}", "{digest(image)}"),')


for dtype in ["u8", "u16"]:
    three, four = noise(61, 37, 3, dtype), noise(61, 37, 4, dtype)
    print_row(f"BGR to gray {dtype}", cv2.cvtColor(three, cv2.COLOR_BGR2GRAY))
    print_row(f"RGB to gray {dtype}", cv2.cvtColor(three, cv2.COLOR_RGB2GRAY))
    print_row(f"BGRA to gray {dtype}", cv2.cvtColor(four, cv2.COLOR_BGRA2GRAY))
    print_row(f"RGBA to BGR {dtype}", cv2.cvtColor(four, cv2.COLOR_RGBA2BGR))
    print_row(f"BGR to RGBA {dtype}", cv2.cvtColor(three, cv2.COLOR_BGR2RGBA))
    gray = noise(61, 37, 1, dtype)
    print_row(f"gray to BGRA {dtype}", cv2.cvtColor(gray, cv2.COLOR_GRAY2BGRA))
for dtype in ["u8", "u16", "f32"]:
    three = noise(61, 37, 3, dtype)
    print_row(f"flip horizontal {dtype}", cv2.flip(three, 1))
    print_row(f"flip vertical {dtype}", cv2.flip(three, 0))
    print_row(f"flip both {dtype}", cv2.flip(three, -1))
    print_row(f"rotate 90 {dtype}", cv2.rotate(three, cv2.ROTATE_90_CLOCKWISE))
    print_row(f"rotate 180 {dtype}", cv2.rotate(three, cv2.ROTATE_180))
    print_row(f"rotate 270 {dtype}", cv2.rotate(three, cv2.ROTATE_90_COUNTERCLOCKWISE))
print_row("u8 to u16", scaled(noise(61, 37, 3, "u8"), 257, 0, cv2.CV_16U))
print_row("u16 to u8", scaled(noise(61, 37, 3, "u16"), 1 / 257, 0, cv2.CV_8U))
print_row("f32 to u8", scaled(noise(61, 37, 3, "f32"), 255, 0, cv2.CV_8U))
print_row("f32 to u16", scaled(noise(61, 37, 3, "f32"), 65535, 0, cv2.CV_16U))
print_row("u16 to u8, × 0.01 + 3", scaled(noise(61, 37, 3, "u16"), 0.01, 3, cv2.CV_8U))
