"""The whole path in Python: `whole_path.py server CLIP PORT`, `whole_path.py client PORT` and `whole_path.py decode CLIP`.

The first two are NetGear_Async in bidirectional mode, used as its documentation uses it: a generator of the server's own that
reads frames with OpenCV, and a client that takes each frame and gives a text back. Each prints what comes from the other, a line
of JSON on the error output for each item, and in the end one object on the output. Nothing is shown in a window.
"""

import asyncio
import json
import sys
import time


class Count:
    """Frames and their bytes, and the time from the first to the last."""

    def __init__(self):
        self.frames = self.bytes = 0
        self.first = self.last = time.perf_counter()

    def add(self, frame):
        self.last = time.perf_counter()
        if self.frames == 0:
            self.first = self.last
        self.frames += 1
        self.bytes += frame.nbytes

    def print(self, **more):
        seconds = self.last - self.first
        print(json.dumps({"frames": self.frames, "bytes": self.bytes, "seconds": seconds, **more}))


def note(data):
    if data is not None:
        print(json.dumps(data), file=sys.stderr, flush=True)


def server(clip, port):
    import cv2
    from vidgear.gears.asyncio import NetGear_Async

    server = NetGear_Async(source=None, address="127.0.0.1", port=port, pattern=0, bidirectional_mode=True)

    async def frames():
        stream = cv2.VideoCapture(clip)
        while True:
            grabbed, frame = stream.read()
            if not grabbed:
                break
            yield ("frame", frame)
            note(await server.transceive_data())
        stream.release()

    asyncio.set_event_loop(server.loop)
    server.config["generator"] = frames()
    server.launch()
    try:
        server.loop.run_until_complete(server.task)
    finally:
        server.close()


def client(port):
    from vidgear.gears.asyncio import NetGear_Async

    client = NetGear_Async(
        address="127.0.0.1", port=port, pattern=0, receive_mode=True, bidirectional_mode=True
    ).launch()
    count = Count()

    async def main():
        async for data, frame in client.recv_generator():
            count.add(frame)
            note(data)
            await client.transceive_data(data="seen")

    asyncio.set_event_loop(client.loop)
    try:
        client.loop.run_until_complete(main())
    finally:
        client.close()
    count.print()


def decode(clip):
    import cv2

    cpu, started, count = time.process_time(), time.perf_counter(), Count()
    stream = cv2.VideoCapture(clip)
    while True:
        grabbed, frame = stream.read()
        if not grabbed:
            break
        count.add(frame)
    stream.release()
    count.first = started
    count.print(cpu_seconds=time.process_time() - cpu)


if __name__ == "__main__":
    {"server": server, "client": client, "decode": decode}[sys.argv[1]](*sys.argv[2:])
