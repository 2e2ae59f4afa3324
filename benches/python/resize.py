"""cv2.resize, timed as told line by line on standard input.

`time WIDTH HEIGHT CHANNELS WIDTH HEIGHT FILTER THREADS COUNT` is answered with the nanoseconds that each took, as `end
resizing` does. The answer to anything else is what is wrong.
"""

import sys
from time import perf_counter_ns

import cv2
import numpy as np

FILTERS = {
    "nearest": cv2.INTER_NEAREST,
    "linear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,
    "lanczos4": cv2.INTER_LANCZOS4,
}


class Stopwatch:
    """Keeps the picture and the memory for the result from line to line."""

    def __init__(self):
        self.picture = self.target = np.empty((0, 0, 0), np.uint8)

    def time(self, width, height, channels, to_width, to_height, name, threads, count):
        shape, to = (int(height), int(width), int(channels)), (int(to_width), int(to_height))
        if self.picture.shape != shape:
            self.picture = np.random.default_rng(5).integers(0, 256, shape, dtype=np.uint8)
        if self.target.shape != (to[1], to[0], shape[2]):
            self.target = np.empty((to[1], to[0], shape[2]), np.uint8)
        flag = FILTERS[name]
        cv2.setNumThreads(int(threads))
        taken = []
        for _ in range(int(count)):
            started = perf_counter_ns()
            cv2.resize(self.picture, to, dst=self.target, interpolation=flag)
            taken.append(perf_counter_ns() - started)
        return " ".join(map(str, taken))


def main():
    stopwatch = Stopwatch()
    for line in sys.stdin:
        word, *words = line.split()
        try:
            if word == "time":
                answer = stopwatch.time(*words)
            else:
                answer = "a line begins with `time`"
        except (cv2.error, KeyError, TypeError, ValueError) as error:
            answer = f"{type(error).__name__}: {error}".replace("\n", " ")
        print(answer, flush=True)


if __name__ == "__main__":
    main()
