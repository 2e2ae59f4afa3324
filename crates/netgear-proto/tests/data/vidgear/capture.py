"""Records what VidGear's NetGear_Async puts on the wire, one file a message, under `messages/`.

The real classes run, with a plain ZeroMQ socket at the other end that writes down what they send. A file holds the parts
of one message, each behind its length as four bytes, big-endian. The files are test data and the seeds of the fuzz target
`vidgear_message`; `tests/vidgear_messages.rs` says what each is.

Run it with the Python of an environment that has `vidgear[asyncio]==0.3.5` and `opencv-python-headless`:

    python capture.py

It writes the same bytes each time.
"""

import asyncio
import collections
import math
import pathlib
import shutil
import tempfile
import threading

import msgpack
import numpy as np
import zmq
from vidgear.gears.asyncio import NetGear_Async

MESSAGES = pathlib.Path(__file__).parent / "messages"
# VidGear's own is random.
CLIENT_ID = "PYTHON01"
# An ipc address; VidGear glues a port to it.
ADDRESS = tempfile.mktemp(prefix="vidgear-capture-")

DTYPES = ["b1", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8", "c8", "c16"]


def array(shape, dtype):
    """0, 1, 2, ... in every type; 0, 1, 0, 1, ... in bool."""
    count = math.prod(shape)
    numbers = np.arange(count) % 2 if dtype == "b1" else np.arange(count)
    return numbers.astype(dtype).reshape(shape)


BGR = array((2, 3, 3), "u1")

INTEGERS = [0, 1, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1]
INTEGERS += [-1, -32, -33, -128, -129, -32768, -32769, -(2**31), -(2**31) - 1, -(2**63)]


def nested(depth):
    value = None
    for _ in range(depth):
        value = [value]
    return value


# What may go either way.
DATA = {
    "none": None,
    "true": True,
    "false": False,
    "zero": 0,
    "int": 300,
    "u64-max": 2**64 - 1,
    "i64-min": -(2**63),
    "integers": INTEGERS,
    "float": 1.5,
    "floats": [0.0, -0.0, 0.1, math.inf, -math.inf, math.nan, 1e308, 5e-324],
    "text": "Grüße, \0 und 😀",
    "empty-text": "",
    "texts": ["x" * length for length in (0, 1, 31, 32, 255, 256)],
    "bytes": b"\x00\xff\xc1",
    "empty-bytes": b"",
    "many-bytes": [b"x" * length for length in (0, 1, 31, 32, 255, 256, 1023, 1024)],
    "list": [None, True, 1, 1.5, "a", b"a", [2, [3]], {"b": 4}],
    "tuple": (1, (2, 3)),
    "lists": [[0] * length for length in (0, 1, 15, 16)],
    "empty-list": [],
    "map": {"a": 1, "ä": {"b": [1, 2]}, b"a": None, "": "", b"": b""},
    "maps": [{f"{index:02}": index for index in range(length)} for length in (0, 1, 15, 16)],
    "empty-map": {},
    "map-any-key": {1: "a", None: "b", 1.5: "c", True: "d", (1, (2,)): "e", -1: "f"},
    "nested-64": nested(64),
    "nested-65": nested(65),
    "bytearray": bytearray(b"ab"),
    "ordered-map": collections.OrderedDict([("b", 1), ("a", 2)]),
    "numpy-float": np.float64(1.5),
    "extension": msgpack.ExtType(5, b"abc"),
    "timestamp": [msgpack.Timestamp(1, 2)],
}

STRUCTURED = np.zeros((2, 3), dtype=[("a", "u1"), ("b", "<f4")])
OBJECTS = np.array([["a", 1, None]], dtype=object)

# What only a receiver may send.
ARRAYS = {
    f"{dtype}-{len(shape)}d": array(shape, dtype)
    for dtype in DTYPES
    for shape in [(3,), (2, 3), (2, 3, 2), (1, 2, 3, 2)]
}
ARRAYS |= {f"big-endian-{dtype}": array((2, 3), ">" + dtype) for dtype in DTYPES if dtype[1:] != "1"}
ARRAYS |= {
    "0d": np.array(3.5),
    "5d": array((1, 2, 1, 2, 1), "u1"),
    "32d": array((1,) * 32, "u1"),
    "33d": array((1,) * 33, "u1"),
    "no-elements": np.zeros((0, 3), "f8"),
    "no-pixels": np.zeros((2, 3, 0), "u1"),
    "one-channel": array((2, 3, 1), "u1"),
    "bgr": BGR,
    "bgra-u16": array((2, 3, 4), "u2"),
    "five-channels": array((2, 3, 5), "u1"),
    "not-contiguous": array((4, 6, 3), "u1")[::2, ::2],
    "fortran": np.asfortranarray(array((2, 3), "i4")),
    "matrix": array((2, 3), "i8").view(np.matrix),
    "masked": np.ma.masked_array([1, 2, 3], mask=[0, 1, 0]),
    "objects": OBJECTS,
    "structured": STRUCTURED,
    "texts": np.array(["abc", "d"]),
    "byte-strings": np.array([b"abc", b"d"]),
    "f16": np.zeros(2, "f16"),
    "c32": np.zeros(2, "c32"),
    "void": np.zeros(2, "V4"),
}

FRAMES = {
    f"{dtype}-{'x'.join(map(str, shape))}": array(shape, dtype)
    for dtype in ["u1", "u2", "i1", "i2", "i4", "f4", "f8"]
    for shape in [(2, 3), (2, 3, 3), (2, 3, 4)]
}
FRAMES |= {
    "u1-2x3x1": array((2, 3, 1), "u1"),
    "u1-2x3x2": array((2, 3, 2), "u1"),
    "u1-2x3x5": array((2, 3, 5), "u1"),
    "big-endian-u2": array((2, 3), ">u2"),
    "not-contiguous": array((4, 6, 3), "u1")[::2, ::2],
    "480p-row": array((1, 640, 3), "u1"),
    "1d": array((3,), "u1"),
    "4d": array((1, 2, 3, 2), "u1"),
    "no-pixels": np.zeros((2, 0, 3), "u1"),
    "b1": array((2, 3), "b1"),
    "i8": array((2, 3), "i8"),
    "f2": array((2, 3), "f2"),
    "objects": OBJECTS,
    "structured": STRUCTURED,
}


def save(name, parts):
    data = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    (MESSAGES / name).write_bytes(data)


def options(bidirectional):
    common = {"address": ADDRESS, "port": "0", "protocol": "ipc", "pattern": 0}
    return common | ({"bidirectional_mode": True} if bidirectional else {})


async def run_server(names_and_items, bidirectional):
    server = NetGear_Async(**options(bidirectional))

    async def generator():
        for _, item in names_and_items:
            yield item
            await asyncio.sleep(0)

    server.config["generator"] = generator()
    server.launch()
    await server.task
    await server._NetGear_Async__terminate_connection()


def capture_server(names_and_items, bidirectional):
    """Takes what a server sends for each item, and answers as VidGear's client would."""
    context = zmq.Context()
    socket = context.socket(zmq.PAIR)
    socket.bind(f"ipc://{ADDRESS}:0")
    answer = {"return_type": "NoneType", "return_data": ""}

    def listen():
        for name, _ in names_and_items:
            save(name, socket.recv_multipart())
            socket.send(msgpack.packb(answer) if bidirectional else b"Data received on client: X !")
        save("terminate", socket.recv_multipart())
        socket.send(msgpack.packb({"terminated": "Client-`X` successfully terminated!"}))

    thread = threading.Thread(target=listen)
    thread.start()
    asyncio.run(run_server(names_and_items, bidirectional))
    thread.join()
    context.destroy(linger=0)


async def run_client(items, bidirectional):
    client = NetGear_Async(receive_mode=True, **options(bidirectional))
    client._NetGear_Async__id = CLIENT_ID
    items = iter(items)
    async for _ in client.recv_generator():
        if bidirectional and (item := next(items, None)) is not None:
            await client.transceive_data(data=item[1])
    client.close(skip_loop=True)
    await asyncio.sleep(0.1)


def capture_client(names_and_items, bidirectional):
    """Sends a client what a server did, and takes what it answers; each answer is to the item before."""
    context = zmq.Context()
    socket = context.socket(zmq.PAIR)
    socket.connect(f"ipc://{ADDRESS}:0")
    data = {"terminate": False, "bi_mode": bidirectional, "data": ""}
    frame = b"".join(
        [b"\x85\xc4\x02nd\xc3\xc4\x04type\xa3|u1\xc4\x04kind\xc4\x00\xc4\x05shape\x92\x01\x01\xc4\x04data\xc4\x01\x00"]
    )

    def talk():
        for index in range(len(names_and_items) + 1):
            socket.send_multipart([msgpack.packb(data), frame])
            answer = socket.recv_multipart()
            if not bidirectional:
                save("acknowledgement", answer)
            elif index > 0:
                save(names_and_items[index - 1][0], answer)
        socket.send(msgpack.packb({"terminate": True}))
        save("terminated", socket.recv_multipart())

    thread = threading.Thread(target=talk)
    thread.start()
    asyncio.run(run_client(names_and_items, bidirectional))
    thread.join()
    context.destroy(linger=0)


def main():
    shutil.rmtree(MESSAGES, ignore_errors=True)
    MESSAGES.mkdir()
    with_frames = [(f"frame-data-{name}", (data, BGR)) for name, data in DATA.items()]
    with_frames += [(f"frame-{name}", (None, frame)) for name, frame in FRAMES.items()]
    capture_server(with_frames, bidirectional=True)
    capture_server([("frame-unidirectional", BGR)], bidirectional=False)
    returned = [(f"return-{name}", data) for name, data in DATA.items()]
    returned += [(f"return-array-{name}", data) for name, data in ARRAYS.items()]
    capture_client(returned, bidirectional=True)
    capture_client([], bidirectional=False)
    print(f"{len(list(MESSAGES.iterdir()))} messages in {MESSAGES}")


if __name__ == "__main__":
    main()
