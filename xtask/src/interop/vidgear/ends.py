"""The two ends of VidGear's NetGear_Async, used as its documentation uses them, with content that the other end can check.

Each function takes a job, the dictionary that peers.py describes, runs one end to its end and returns a report.
"""

import asyncio
import time
import zlib

import numpy as np
from vidgear.gears.asyncio import NetGear_Async

import content

# Returned data is made with other numbers than the data that goes out.
RETURNED = 1000

# How many differences a report spells out.
SPELLED_OUT = 3


class Tally:
    """What one end sent and received, and what was wrong with it."""

    def __init__(self, job):
        self.check, self.warm_up = job["check"], job["warm up"]
        self.frames = self.pixels = self.data = self.answers = self.wrong = 0
        self.examples = []
        self.started = None
        self.seconds = 0.0

    def frame(self, frame):
        if self.frames == self.warm_up:
            self.started = time.perf_counter()
        if self.started:
            self.seconds = time.perf_counter() - self.started
        self.frames += 1
        if self.check:
            self.pixels = zlib.crc32(frame, self.pixels)

    def compare_frame(self, found, expected):
        number = self.frames
        if (found.dtype, found.shape) != (expected.dtype, expected.shape):
            self.differs(f"frame {number} is {found.dtype.str} {found.shape}")
        elif not np.array_equal(found.reshape(-1).view(np.uint8), expected.reshape(-1).view(np.uint8)):
            different = found.reshape(-1).view(np.uint8) != expected.reshape(-1).view(np.uint8)
            self.differs(f"frame {number} differs in {np.count_nonzero(different)} bytes from {np.argmax(different)} on")

    def compare_value(self, what, found, expected):
        """The checksum is of what was found."""
        canonical = content.canonical(found)
        if canonical != content.canonical(expected):
            self.differs(f"{what} is {found!r:.200} and not {expected!r:.200}")
        if has_list(found):
            self.differs(f"{what} has a list, where VidGear gives tuples")
        return canonical

    def differs(self, how):
        self.wrong += 1
        if len(self.examples) < SPELLED_OUT:
            self.examples.append(how)

    def report(self):
        return {
            "frames": self.frames,
            "pixels": self.pixels,
            "data": self.data,
            "answers": self.answers,
            "wrong": self.wrong,
            "examples": self.examples,
            "seconds": self.seconds,
        }


def has_list(value):
    if isinstance(value, dict):
        return any(has_list(item) for item in value.values())
    return isinstance(value, list) or (isinstance(value, tuple) and any(has_list(item) for item in value))


def arrives(value):
    """What the other end has of a value: VidGear writes None for everything that Python takes for false."""
    if isinstance(value, np.ndarray):
        return value
    return value or None


def options(job):
    return {
        "address": job["address"],
        "port": job["port"],
        "protocol": job["protocol"],
        "pattern": job["pattern"],
        "timeout": job["timeout"],
        "bidirectional_mode": job["bidirectional"],
        "logging": True,
    }


def spoil(frame):
    """A copy with one bit turned round."""
    spoiled = frame.copy()
    spoiled.reshape(-1).view(np.uint8)[spoiled.nbytes // 2] ^= 1
    return spoiled


def serve(job, say):
    """The sender. It gives every frame and every value, and compares what comes back."""
    tally = Tally(job)
    server = NetGear_Async(source=None, **options(job))

    def answered():
        """What must come back for the frame sent last, and for every frame before it once."""
        number = tally.frames - 1
        # VidGear's client answers before its user has seen the frame.
        number -= 1 if job["answers"] == "late" else 0
        return arrives(content.value(job["returned"], RETURNED + number)) if number >= 0 else None

    async def take_answer():
        answer = await server.transceive_data()
        if tally.frames and job["check"]:
            found = tally.compare_value(f"the answer to frame {tally.frames - 1}", answer, answered())
            tally.answers = zlib.crc32(found, tally.answers)

    async def frames():
        number = 0
        while job["frames"] is None or number < job["frames"]:
            frame = content.frame(job["frame"], number)
            if job["spoil"] == f"pixel {number}":
                frame = spoil(frame)
            if job["bidirectional"]:
                await take_answer()
                data = content.value(job["data"], number)
                if job["spoil"] == f"value {number}":
                    data = [data]
                tally.data = zlib.crc32(content.canonical(arrives(data)), tally.data)
                tally.frame(frame)
                yield (data, frame)
            else:
                tally.frame(frame)
                yield frame
            number += 1
            if number == 1:
                say({"first frame": True})
            await asyncio.sleep(job["pause"])
        # The answer to the last frame.
        if job["bidirectional"]:
            await take_answer()

    asyncio.set_event_loop(server.loop)
    server.config["generator"] = frames()
    server.launch()
    try:
        server.loop.run_until_complete(server.task)
    except (KeyboardInterrupt, SystemExit):
        say({"interrupted": True})
    except Exception as error:
        say({"raised": f"{type(error).__name__}: {error}"})
        raise
    finally:
        say({"closing": True})
        server.close()
    return tally.report()


def view(job, say):
    """The receiver. It compares every frame and every value, and gives data back."""
    tally = Tally(job)
    client = NetGear_Async(receive_mode=True, **options(job)).launch()

    async def main():
        async for received in client.recv_generator():
            data, frame = received if job["bidirectional"] else (None, received)
            number = tally.frames
            if job["check"]:
                tally.compare_frame(frame, content.frame(job["frame"], number))
            if job["check"] and job["bidirectional"]:
                expected = arrives(content.value(job["data"], number))
                found = tally.compare_value(f"the data with frame {number}", data, expected)
                tally.data = zlib.crc32(found, tally.data)
            if job["bidirectional"]:
                returned = content.value(job["returned"], RETURNED + number)
                if job["spoil"] == f"answer {number}":
                    returned = [returned, "spoiled"]
                # The answer that has gone out for this frame is what was given for the one before.
                answer = arrives(content.value(job["returned"], RETURNED + number - 1)) if number else None
                tally.answers = zlib.crc32(content.canonical(answer), tally.answers)
                if isinstance(returned, np.ndarray) and number % 3 == 1:
                    # The same array, laid out otherwise in memory.
                    returned = np.asfortranarray(returned)
                await client.transceive_data(data=returned)
            tally.frame(frame)
            if number == 0:
                say({"first frame": True})
            await asyncio.sleep(job["pause"])

    asyncio.set_event_loop(client.loop)
    try:
        client.loop.run_until_complete(main())
        # A socket that closes at once may lose what it said last, and then VidGear's own sender waits for ever.
        time.sleep(job["stay"])
    except (KeyboardInterrupt, SystemExit):
        say({"interrupted": True})
    except Exception as error:
        say({"raised": f"{type(error).__name__}: {error}"})
        raise
    # The documentation leaves it out where an error goes past it.
    say({"closing": True})
    client.close()
    return tally.report()
