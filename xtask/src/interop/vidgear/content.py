"""What crosses in `cargo xtask interop vidgear`: frame n and value n, as content.rs makes them too.

Both ends know what must arrive, so that both can compare every pixel and every value.
"""

import struct

import numpy as np

# What a frame of each kind is: its shape, and NumPy's name for its elements.
FRAMES = {
    "480p gray u8": ((480, 640), "|u1"),
    "720p BGR u8": ((720, 1280, 3), "|u1"),
    "480p BGRA u8": ((480, 640, 4), "|u1"),
    "480p gray u16": ((480, 640), "<u2"),
    "480p gray f32": ((480, 640), "<f4"),
    # Small enough that the time goes into starting and ending, not into pixels.
    "60p BGR u8": ((60, 80, 3), "|u1"),
    "1080p BGR u8": ((1080, 1920, 3), "|u1"),
}

# Every number that NumPy has and a DType of ours.
DTYPES = ["|b1", "|u1", "<u2", "<u4", "<u8", "|i1", "<i2", "<i4", "<i8", "<f2", "<f4", "<f8", "<c8", "<c16"]

# Each frame begins at another place in the noise.
STEP, ROOM = 4104, 65536
LARGEST = 1080 * 1920 * 3

# The lengths at which MessagePack changes how it writes a text.
TEXT_LENGTHS = [1, 31, 32, 255, 256, 65535, 65536]

# Where MessagePack changes how it writes a number, and the ends of what it can write.
NUMBERS = [
    *[1, 127, 128, 255, 256, 65535, 65536],
    *[2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1],
    *[-1, -32, -33, -128, -129, -(2**15), -(2**15) - 1, -(2**31), -(2**31) - 1, -(2**63)],
    True,
    *[1.0, 0.1, -2.5, 1e300, 1.7976931348623157e308, 5e-324, -(2.0**63), float("inf"), float("-inf"), float("nan")],
]


def mix(number):
    """The number-th of a sequence of 64-bit numbers that look random (SplitMix64)."""
    mask = 2**64 - 1
    z = ((number + 1) * 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return z ^ (z >> 31)


def make_noise():
    """The same sequence as bytes."""
    z = np.arange(1, (LARGEST + ROOM) // 8 + 1, dtype="<u8") * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return z.astype("<u8").view(np.uint8)


NOISE = make_noise()


def noise(number, length):
    start = (number * STEP) % ROOM
    return NOISE[start : start + length]


def frame(kind, number):
    """Frame `number`: random bits, so that floats are of every kind that there is. It does not own its memory."""
    shape, dtype = FRAMES[kind]
    length = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return noise(number, length).view(dtype).reshape(shape)


def text(number):
    if number % 10 < len(TEXT_LENGTHS):
        return chr(ord("a") + number % 26) * TEXT_LENGTHS[number % 10]
    return f'№ {number}: "grüße",\t漢字, 🎥\0\n'


def a_number(number):
    """Never one that Python takes for false: those arrive as None."""
    if number % 3 == 2:
        return mix(number) | 1
    return NUMBERS[number % len(NUMBERS)]


def nested(number):
    if number % 5 == 4:
        return [nested(number + 1), [], number]
    deep = number
    for _ in range(number % 40):
        deep = [deep]
    return {
        "text": text(number),
        "number": a_number(number),
        "none": None,
        "false": [False, 0, 0.0, -0.0, "", b"", [], {}],
        "list": [1, [2.5, [True, None, "three"]], {"key": [{"key": {}}]}],
        b"bytes \xff": noise(number, number * 37 % 700).tobytes(),
        "numbers": [a_number(number + index) for index in range(number % 20)],
        "entries": {f"entry {index}": index for index in range(number % 20)},
        "deep": deep,
        "": "no key",
    }


def keys(number):
    """What MessagePack can write and VidGear cannot read: keys that are neither text nor bytes. For our end alone."""
    return {
        number + 2: "whole",
        -2 - number: "negative",
        True: "bool",
        None: "none",
        0.5: "float",
        ("a", 1, (b"b",)): "tuple",
        "text": {2**64 - 1: {-(2**63): []}},
        # What an array looks like, and is none, since VidGear reads data without looking for arrays.
        b"nd": True,
        b"type": "|u1",
        b"kind": b"",
        b"shape": [1],
        b"data": b"\x01",
    }


FALSY = [False, 0, 0.0, -0.0, "", b"", [], {}]


def falsy(number):
    """What Python takes for false. VidGear gives its user None in its place; our end has it as it was sent, but for an empty
    text with a frame, which is how VidGear writes that there is no data."""
    return FALSY[number % len(FALSY)]


def array(number):
    """Arrays of every type of 1 to 4 dimensions, and then four as large as frames."""
    at = number % (4 * len(DTYPES) + 4)
    dimensions = 1 + at // len(DTYPES)
    if dimensions > 4:
        return frame("720p BGR u8", number)
    shape = [2 + (number + 3 * index) % 5 for index in range(dimensions)]
    return shaped(number, DTYPES[at % len(DTYPES)], shape)


# A side of 1 is one that could be dropped or added unnoticed.
ONE_SIDED = [
    *[(1,), (1, 1), (1, 5), (5, 1), (4, 5, 1), (4, 1, 3), (1, 5, 3), (1, 4, 5), (1, 1, 1), (1, 1, 3), (4, 5, 1, 1)],
    *[(1, 4, 5, 3), (1, 1, 1, 1)],
]


def one_sided(number):
    """Arrays of every type with sides of 1."""
    return shaped(number, DTYPES[number % len(DTYPES)], ONE_SIDED[number % len(ONE_SIDED)])


def shaped(number, dtype, shape):
    """An array of noise."""
    dtype = np.dtype(dtype)
    elements = noise(number, int(np.prod(shape)) * dtype.itemsize)
    if dtype.kind == "b":
        elements = elements & 1
    return elements.view(dtype).reshape(shape)


KINDS = {
    "none": lambda number: None,
    "text": text,
    "numbers": a_number,
    "nested": nested,
    "falsy": falsy,
    "keys": keys,
    "arrays": array,
    "one-sided": one_sided,
}


def value(kind, number):
    return KINDS[kind](number)


def canonical(value):
    """The value as bytes that are the same for equal values, and different for all others: 1 and 1.0 and True differ, as do
    0.0 and -0.0. Python has tuples for lists."""
    parts = []
    write(value, parts)
    return b"".join(parts)


def write(value, parts):
    if value is None:
        parts.append(b"n")
    elif isinstance(value, bool):
        parts.append(b"t" if value else b"f")
    elif isinstance(value, int):
        parts.append(b"i%d;" % value)
    elif isinstance(value, float):
        parts.append(b"d" + struct.pack(">d", value))
    elif isinstance(value, str):
        encoded = value.encode()
        parts.append(b"s%d:" % len(encoded) + encoded)
    elif isinstance(value, bytes):
        parts.append(b"b%d:" % len(value) + value)
    elif isinstance(value, (list, tuple)):
        parts.append(b"l")
        for item in value:
            write(item, parts)
        parts.append(b"e")
    elif isinstance(value, dict):
        parts.append(b"m")
        for key, item in value.items():
            write(key, parts)
            write(item, parts)
        parts.append(b"e")
    elif isinstance(value, np.ndarray):
        shape = b",".join(b"%d" % side for side in value.shape)
        parts.append(b"a" + value.dtype.str.encode() + b"(" + shape + b")" + value.tobytes())
    else:
        raise TypeError(f"{type(value).__name__} is nothing that NetGear carries")
