"""The other end of `cargo xtask interop`: a libzmq socket that sends every message back as it came.

It ends when it receives the message [b"stop"], and then prints what it had received, for the Rust end to compare.
A socket that has to speak first (REQ, DEALER) says [b"start"], and then asks with what it was answered.
"""

import argparse
import json
import signal
import zlib

import zmq
import zmq.utils.monitor

START, STOP = [b"start"], [b"stop"]
# What the DEALER puts before its requests; a REP must send it back.
DEALER_ENVELOPE = [b"request 17", b""]


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("socket", choices=["PAIR", "REQ", "REP", "ROUTER", "DEALER"])
    parser.add_argument("how", choices=["bind", "connect"])
    parser.add_argument("endpoint")
    parser.add_argument("--correlate", action="store_true", help="number the requests of a REQ; expect it at a ROUTER")
    parser.add_argument("--heartbeat-interval", type=int, required=True, metavar="MS")
    parser.add_argument("--heartbeat-timeout", type=int, required=True, metavar="MS")
    parser.add_argument("--time-limit", type=int, required=True, metavar="SECONDS")
    return parser.parse_args()


def send(socket, kind, message):
    socket.send_multipart(DEALER_ENVELOPE + message if kind == "DEALER" else message, copy=False)


def receive(socket, kind, correlate):
    """The envelope, which is empty where libzmq takes care of it, and the body."""
    parts = socket.recv_multipart()
    if kind == "DEALER":
        assert parts[:2] == DEALER_ENVELOPE, "the REP did not send the envelope back"
        return [], parts[2:]
    if kind == "ROUTER":
        # [the identity that the ROUTER gave the peer][request id, if correlating][empty][body]
        length = 3 if correlate else 2
        envelope, body = parts[:length], parts[length:]
        assert envelope[-1] == b"", "the REQ did not put an empty part before the body"
        assert not correlate or len(envelope[1]) == 4, "the request id of the REQ is not 4 bytes"
        return envelope, body
    return [], parts


def drain_events(monitor):
    """How often each event of the monitor has come."""
    counts = {}
    while monitor.poll(0):
        event = zmq.Event(zmq.utils.monitor.recv_monitor_message(monitor)["event"])
        counts[event] = counts.get(event, 0) + 1
    return counts


def main():
    options = arguments()
    kind = options.socket
    # Nobody waits for this program longer than that.
    signal.alarm(options.time_limit)
    context = zmq.Context()
    socket = context.socket(getattr(zmq, kind))
    socket.set(zmq.HEARTBEAT_IVL, options.heartbeat_interval)
    socket.set(zmq.HEARTBEAT_TIMEOUT, options.heartbeat_timeout)
    socket.set(zmq.HEARTBEAT_TTL, options.heartbeat_timeout)
    socket.set(zmq.LINGER, 5000)
    if options.correlate and kind == "REQ":
        socket.set(zmq.REQ_CORRELATE, 1)
        socket.set(zmq.REQ_RELAXED, 1)
    monitor = socket.get_monitor_socket()
    if options.how == "bind":
        socket.bind(options.endpoint)
        print(socket.getsockopt_string(zmq.LAST_ENDPOINT), flush=True)
    else:
        socket.connect(options.endpoint)

    asks = kind in ("REQ", "DEALER")
    messages = parts = size = checksum = 0
    if asks:
        send(socket, kind, START)
    while True:
        envelope, body = receive(socket, kind, options.correlate)
        if body == STOP:
            break
        messages += 1
        for part in body:
            parts += 1
            size += len(part)
            checksum = zlib.crc32(part, zlib.crc32(len(part).to_bytes(8, "little"), checksum))
        send(socket, kind, envelope + body)
    events = drain_events(monitor)
    report = {
        "messages": messages,
        "parts": parts,
        "bytes": size,
        "crc32": checksum,
        "handshakes": events.get(zmq.Event.HANDSHAKE_SUCCEEDED, 0),
        "disconnects": events.get(zmq.Event.DISCONNECTED, 0),
    }
    print(json.dumps(report), flush=True)
    if not asks:
        send(socket, kind, envelope + STOP)
    socket.disable_monitor()
    monitor.close()
    socket.close()
    context.term()


if __name__ == "__main__":
    main()
