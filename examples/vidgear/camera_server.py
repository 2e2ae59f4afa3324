# A camera, as VidGear has it: python camera_server.py [film.mp4]
# Its client is camera_client.py, or the Rust example camera_receiver.

import asyncio
import sys

import cv2
from vidgear.gears.asyncio import NetGear_Async

server = NetGear_Async(source=None, logging=True, bidirectional_mode=True)


async def frames():
    # The first camera, if no film is named.
    camera = cv2.VideoCapture(sys.argv[1] if len(sys.argv) > 1 else 0)
    number = 0
    while True:
        grabbed, frame = camera.read()
        if not grabbed:
            break
        finding = await server.transceive_data()
        if finding is not None:
            print(f"frame {finding['number']} has a brightness of {finding['brightness']:.1f}")
        yield {"camera": "front door", "number": number}, frame
        number += 1
        await asyncio.sleep(0)
    camera.release()


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
