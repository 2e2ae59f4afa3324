# A camera's client, as VidGear has it: python camera_client.py
# Its server is camera_server.py, or the Rust example camera_sender.

import asyncio

from vidgear.gears.asyncio import NetGear_Async

client = NetGear_Async(receive_mode=True, logging=True, bidirectional_mode=True).launch()


async def main():
    async for data, frame in client.recv_generator():
        print(f"{data['camera']}, frame {data['number']}: {frame.shape}")
        finding = {"number": data["number"], "brightness": float(frame.mean())}
        await client.transceive_data(data=finding)
        await asyncio.sleep(0)


if __name__ == "__main__":
    asyncio.set_event_loop(client.loop)
    try:
        client.loop.run_until_complete(main())
    except (KeyboardInterrupt, SystemExit):
        pass
    client.close()
