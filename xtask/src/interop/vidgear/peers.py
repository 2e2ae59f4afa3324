"""VidGear's ends for `cargo xtask interop vidgear`: one process each, forked off this one, which has imported the package.

    peers.py                 reads jobs from standard input, one JSON object a line
    peers.py '{"role": …}'   runs one job

A job: {"id": any number, "role": "serve" or "view", and what DEFAULTS has}. {"signal": 9, "to": id} sends a
signal to the process of a job.
Standard output has what the jobs say, one JSON object a line, each with the "id":
{"started": pid}, {"first frame": true}, {"raised": why}, {"interrupted": true}, {"closing": true}, {"report": …}, and at the
end of each {"exit": code} or {"signal": number}. A job that found anything wrong exits with 1.
"""

import gc
import json
import os
import selectors
import signal
import sys
import traceback

import ends

DEFAULTS = {
    "address": None,
    "port": None,
    "protocol": "tcp",
    # 0 is PAIR, 1 is REQ/REP.
    "pattern": 0,
    "bidirectional": True,
    # How long VidGear waits for a message, in seconds; 0 is its default.
    "timeout": 0,
    "frame": "480p gray u8",
    # null: until somebody ends it.
    "frames": 100,
    # Kinds of content.py, with the frames and back.
    "data": "none",
    "returned": "none",
    # Whether the receiver's data for a frame comes back with it ("prompt"), or, as from VidGear's, with the next ("late").
    "answers": "late",
    # Whether what arrives is compared with what must arrive, and checksums are taken.
    "check": True,
    # Frames before the clock starts whose seconds stand in the report.
    "warm up": 0,
    # "pixel 7", "value 7" or "answer 7": what to do wrong, so that the other end can show that it notices.
    "spoil": None,
    # Seconds between two frames, and those that a receiver stays when the sender has left.
    "pause": 0,
    "stay": 0,
    # After so many seconds the process is ended by SIGALRM.
    "time limit": 60,
}


def run(job, say):
    """Runs one end, and gives the exit code."""
    signal.alarm(job["time limit"])
    try:
        report = {"serve": ends.serve, "view": ends.view}[job["role"]](job, say)
    except Exception:
        traceback.print_exc()
        return 1
    say({"report": report})
    return 1 if report["wrong"] else 0


class Jobs:
    """The processes that run, and the pipes that they speak through. A pipe at its end is the end of its process."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
        self.processes = {}
        self.unread = {}

    def run(self):
        """Until standard input ends. In a forked process it gives the exit code, and here None."""
        # What is there now is left alone when a forked process ends, which then takes a fifth of the time.
        gc.freeze()
        while True:
            for key, _ in self.selector.select():
                lines = self.read_lines(key.fd)
                if lines is None and key.data is None:
                    return self.end()
                if lines is None:
                    self.reap(key)
                for line in lines or []:
                    if key.data is not None:
                        print(json.dumps({"id": key.data, **json.loads(line)}), flush=True)
                        continue
                    code = self.handle(json.loads(line))
                    if code is not None:
                        return code

    def read_lines(self, pipe):
        """What has been read since the last whole line is kept for the next time. None at the end."""
        read = os.read(pipe, 65536)
        if not read:
            return None
        *lines, self.unread[pipe] = (self.unread.get(pipe, b"") + read).split(b"\n")
        return lines

    def handle(self, command):
        if "signal" in command:
            # It is not reaped before its pipe has ended, so the number is still its own.
            if command["to"] in self.processes:
                os.kill(self.processes[command["to"]], command["signal"])
            return None
        job = DEFAULTS | command
        readable, writable = os.pipe()
        process = os.fork()
        if process == 0:
            os.close(readable)
            self.selector.close()
            return run(job, lambda message: os.write(writable, json.dumps(message).encode() + b"\n"))
        os.close(writable)
        self.processes[job["id"]] = process
        self.selector.register(readable, selectors.EVENT_READ, job["id"])
        print(json.dumps({"id": job["id"], "started": process}), flush=True)
        return None

    def reap(self, key):
        self.selector.unregister(key.fd)
        os.close(key.fd)
        self.unread.pop(key.fd, None)
        _, status = os.waitpid(self.processes.pop(key.data), 0)
        code = os.waitstatus_to_exitcode(status)
        print(json.dumps({"id": key.data, **({"signal": -code} if code < 0 else {"exit": code})}), flush=True)

    def end(self):
        for process in self.processes.values():
            os.kill(process, signal.SIGKILL)
        return None


def main():
    if len(sys.argv) > 1:
        job = DEFAULTS | json.loads(sys.argv[1])
        return run(job, lambda message: print(json.dumps(message), flush=True))
    return Jobs().run()


if __name__ == "__main__":
    sys.exit(main())
