# Frames both ways, as VidGear has them: python frames_both_ways_server.py film.mp4
# Its client is frames_both_ways_client.py, or the Rust example frames_both_ways_receiver.

import asyncio
import sys

import cv2
import numpy as np
from vidgear.gears.asyncio import NetGear_Async
from vidgear.gears.asyncio.helper import reducer

server = NetGear_Async(source=None, pattern=1, logging=True, bidirectional_mode=True)


async def frames():
    film = cv2.VideoCapture(sys.argv[1])
    while True:
        grabbed, frame = film.read()
        if not grabbed:
            break
        smaller = await reducer(frame, percentage=30)
        theirs = await server.transceive_data()
        if isinstance(theirs, np.ndarray):
            print("the client looks like", theirs.shape)
        elif theirs is not None:
            print("the client says", theirs)
        yield "hello, I am a server", smaller
        await asyncio.sleep(0)
    film.release()


if __name__ == "__main__":
    asyncio.set_event_loop(server.loop)
    server.config["generator"] = frames()
    server.launch()
    try:
        server.loop.run_until_complete(server.task)
    except (KeyboardInterrupt, SystemExit):
        pass
    finally:
        server.close()
