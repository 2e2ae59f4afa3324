# Address, port, protocol and pattern, as VidGear has them: python variable_parameters_server.py film.mp4
# Its client is variable_parameters_client.py, or the Rust example variable_parameters_receiver.

import asyncio
import sys

import cv2
from vidgear.gears.asyncio import NetGear_Async

server = NetGear_Async(
    source=None,
    # Where the client is.
    address="127.0.0.1",
    port="5454",
    protocol="tcp",
    pattern=1,
    timeout=10.0,
    logging=True,
    bidirectional_mode=True,
)


async def frames():
    film = cv2.VideoCapture(sys.argv[1])
    while True:
        grabbed, frame = film.read()
        if not grabbed:
            break
        data = await server.transceive_data()
        if data is not None:
            print("the client says", data)
        yield "hello, I am a server", frame
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
