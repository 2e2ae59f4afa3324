"""The ends of others in Python, for the bench: `ends.py vidgear JOB` and `ends.py imagezmq JOB`.

They take the jobs and commands, and say the lines, that the crate netgear-bench-end describes.
"""

import asyncio
import json
import os
import socket
import sys
import threading
import time

import numpy as np

SAYING = threading.Lock()

# Longer than the others of a round take together.
PATIENCE = 300


def say(message):
    with SAYING:
        print(json.dumps(message), flush=True)


def read_commands(handle):
    """On a thread of its own. The end of the input is that of the process."""

    def read():
        for line in sys.stdin:
            handle(json.loads(line))
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()


def stamp():
    return time.monotonic_ns().to_bytes(8, "little")


def microseconds_since(stamped):
    return max(0, time.monotonic_ns() - stamped) / 1000


class Receiving:
    """What a receiver says to the bench, and gives back to the sender."""

    MOST_LATENCIES = 100_000

    def __init__(self, job):
        self.frames = self.bytes = 0
        self.latencies_us = []
        self.item_bytes = job["item_bytes"]
        self.frame = pixels(job) if job["returned"] == "frame" else None
        read_commands(self.handle)

    def handle(self, command):
        if command != "report":
            say({"failed": "only a sender can do that"})
            return
        latencies, self.latencies_us = self.latencies_us, []
        counted = {"frames": self.frames, "bytes": self.bytes, "cpu_seconds": time.process_time()}
        say({"report": {**counted, "latencies_us": latencies}})

    def arrived(self, frame):
        stamped = int.from_bytes(frame.reshape(-1)[:8].tobytes(), "little")
        self.frames += 1
        self.bytes += frame.nbytes
        if stamped and len(self.latencies_us) < self.MOST_LATENCIES:
            self.latencies_us.append(microseconds_since(stamped))

    def answer(self):
        return self.frame if self.frame is not None else stamp() + bytes(self.item_bytes - 8)


class Clock:
    """From its making on."""

    def __init__(self):
        self.cpu, self.started = time.process_time(), time.perf_counter()

    def ran(self, back_us=()):
        seconds, cpu = time.perf_counter() - self.started, time.process_time() - self.cpu
        return {"ran": {"seconds": seconds, "cpu_seconds": cpu, "back_us": list(back_us)}}


class Pace:
    """When each frame is captured, and its pixels."""

    def __init__(self, command, template):
        self.interval, self.template = 1 / command["fps"], template
        self.next = time.monotonic()

    def due(self):
        """A new frame, and the seconds to wait until `capture`. Who is late has missed one."""
        frame = self.template.copy()
        self.next = max(self.next + self.interval, time.monotonic())
        return frame, max(0, self.next - time.monotonic())

    @staticmethod
    def capture(frame):
        frame.reshape(-1)[:8] = np.frombuffer(stamp(), np.uint8)
        return frame


def pixels(job):
    made = np.resize(np.arange(251, dtype=np.uint8), (job["height"], job["width"], 3))
    made.reshape(-1)[:8] = 0
    return made


def stamp_of(answer):
    """None if it is no data, or has none."""
    if not isinstance(answer, bytes) or len(answer) < 8:
        return None
    return int.from_bytes(answer[:8], "little") or None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def bound(endpoint):
    """An endpoint without port 0, for libraries that do not say which port it became."""
    return endpoint[:-1] + str(free_port()) if endpoint.startswith("tcp:") and endpoint.endswith(":0") else endpoint


def vidgear(job):
    """NetGear_Async in bidirectional mode, used as its documentation uses it."""
    from vidgear.gears.asyncio import NetGear_Async

    is_receiver = job["side"] == "receiver"
    endpoint = bound(job["endpoint"]) if is_receiver else job["endpoint"]
    protocol, rest = endpoint.split("://")
    address, port = rest.rsplit(":", 1)
    options = {
        "address": address,
        "port": port,
        "protocol": protocol,
        "pattern": {"PAIR": 0, "REQ/REP": 1}[job["pattern"]],
        "receive_mode": is_receiver,
        "timeout": PATIENCE,
        "bidirectional_mode": True,
    }
    if is_receiver:
        vidgear_receiver(job, endpoint, NetGear_Async(**options).launch())
    else:
        vidgear_sender(job, NetGear_Async(source=None, **options))


def vidgear_receiver(job, endpoint, client):
    end = Receiving(job)

    async def main():
        # It binds when it is first asked for a frame. Who connects earlier tries again.
        client.loop.call_soon(say, {"ready": {"endpoint": endpoint}})
        async for _, frame in client.recv_generator():
            end.arrived(frame)
            await client.transceive_data(data=end.answer())

    asyncio.set_event_loop(client.loop)
    client.loop.run_until_complete(main())


def vidgear_sender(job, server):
    template, item = pixels(job), bytes([7] * job["item_bytes"])
    commands = asyncio.Queue()
    read_commands(lambda command: server.loop.call_soon_threadsafe(commands.put_nowait, command))

    async def frames():
        say({"ready": {"endpoint": job["endpoint"]}})
        while True:
            command = await commands.get()
            clock, back_us = Clock(), []
            # It comes back here when the answer to the frame is in.
            if "run" in command:
                for _ in range(command["run"]["frames"]):
                    yield (item, template)
                    await server.transceive_data()
            else:
                pace = Pace(command["pace"], template)
                for _ in range(command["pace"]["frames"]):
                    frame, wait = pace.due()
                    await asyncio.sleep(wait)
                    yield (item, pace.capture(frame))
                    # What was given for the frame before comes with this one; how long it took is not how long it is on its way.
                    await server.transceive_data()
            say(clock.ran(back_us))

    asyncio.set_event_loop(server.loop)
    server.config["generator"] = frames()
    server.launch()
    server.loop.run_until_complete(server.task)


def imagezmq(job):
    """REQ/REP, which is lock-step: a frame one way, text the other."""
    import imagezmq as library

    if job["side"] == "receiver":
        endpoint = bound(job["endpoint"])
        end = Receiving(job)
        hub = library.ImageHub(open_port=endpoint)
        say({"ready": {"endpoint": endpoint}})
        while True:
            _, frame = hub.recv_image()
            end.arrived(frame)
            hub.send_reply(end.answer())
    template = pixels(job)
    commands, arrived = [], threading.Semaphore(0)

    def handle(command):
        commands.append(command)
        arrived.release()

    read_commands(handle)
    sender = library.ImageSender(connect_to=job["endpoint"])
    say({"ready": {"endpoint": job["endpoint"]}})
    while True:
        arrived.acquire()
        command = commands.pop(0)
        clock, back_us = Clock(), []
        if "run" in command:
            for _ in range(command["run"]["frames"]):
                sender.send_image("bench", template)
        else:
            pace = Pace(command["pace"], template)
            for _ in range(command["pace"]["frames"]):
                frame, wait = pace.due()
                time.sleep(wait)
                stamped = stamp_of(sender.send_image("bench", pace.capture(frame)))
                if stamped:
                    back_us.append(microseconds_since(stamped))
        say(clock.ran(back_us))


def main():
    _, name, job = sys.argv
    try:
        {"vidgear": vidgear, "imagezmq": imagezmq}[name](json.loads(job))
    except Exception as error:
        say({"failed": f"{type(error).__name__}: {error}"})
        # Threads that wait for a command would keep it alive.
        os._exit(1)


if __name__ == "__main__":
    main()
