# Frames both ways, as VidGear has them: python frames_both_ways_client.py film.mp4
# Its server is frames_both_ways_server.py, or the Rust example frames_both_ways_sender.

import asyncio
import sys

import cv2
from vidgear.gears.asyncio import NetGear_Async
from vidgear.gears.asyncio.helper import reducer

client = NetGear_Async(receive_mode=True, pattern=1, logging=True, bidirectional_mode=True).launch()


async def main():
    film = cv2.VideoCapture(sys.argv[1])
    async for data, theirs in client.recv_generator():
        if data is not None:
            print("the server looks like", theirs.shape, "and says", data)
        grabbed, frame = film.read()
        if grabbed:
            await client.transceive_data(data=await reducer(frame, percentage=30))
        await asyncio.sleep(0)
    film.release()


if __name__ == "__main__":
    asyncio.set_event_loop(client.loop)
    try:
        client.loop.run_until_complete(main())
    except (KeyboardInterrupt, SystemExit):
        pass
    client.close()
