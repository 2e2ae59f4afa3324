# The bare minimum, as VidGear has it: python bare_minimum_client.py
# Its server is bare_minimum_server.py, or the Rust example bare_minimum_sender.

import asyncio

from vidgear.gears.asyncio import NetGear_Async

client = NetGear_Async(receive_mode=True, logging=True, bidirectional_mode=True).launch()


async def main():
    async for data, frame in client.recv_generator():
        if data is not None:
            print(frame.shape, "the server says", data)
        # Here cv2.imshow("frame", frame) would show it.
        await client.transceive_data(data="hello, I am a client")
        await asyncio.sleep(0)


if __name__ == "__main__":
    asyncio.set_event_loop(client.loop)
    try:
        client.loop.run_until_complete(main())
    except (KeyboardInterrupt, SystemExit):
        pass
    client.close()
