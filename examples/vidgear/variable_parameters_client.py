# Address, port, protocol and pattern, as VidGear has them: python variable_parameters_client.py
# Its server is variable_parameters_server.py, or the Rust example variable_parameters_sender.

import asyncio

from vidgear.gears.asyncio import NetGear_Async

client = NetGear_Async(
    receive_mode=True,
    # An address of this machine.
    address="127.0.0.1",
    port="5454",
    protocol="tcp",
    pattern=1,
    timeout=10.0,
    logging=True,
    bidirectional_mode=True,
).launch()


async def main():
    async for data, frame in client.recv_generator():
        if data is not None:
            print(frame.shape, "the server says", data)
        await client.transceive_data(data="hello, I am a client")
        await asyncio.sleep(0)


if __name__ == "__main__":
    asyncio.set_event_loop(client.loop)
    try:
        client.loop.run_until_complete(main())
    except (KeyboardInterrupt, SystemExit):
        pass
    client.close()
