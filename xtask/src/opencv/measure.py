"""Times netgear-media's resizing against cv2.resize, in turns, so that what the machine does meanwhile touches both alike.

    measure.py RESIZE_RAW DIRECTORY [--quick] [--json FILE] [--markdown FILE]

The milliseconds are the medians of the rounds; the ratios are given of these, and of the least of each, which says more where
other work is done on the machine. cv2 works on one thread. Each makes its pictures into memory that it had before.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path
from time import perf_counter_ns

import cv2
import numpy as np

from compare import FILTERS, PILLOW, Ours, reduced

SIZES = {"480p": (854, 480), "1080p": (1920, 1080), "4K": (3840, 2160)}
KINDS = {"gray": 1, "BGR": 3, "BGRA": 4}
PERCENTS = (30, 50, 85)


def nanoseconds(work):
    started = perf_counter_ns()
    work()
    return perf_counter_ns() - started


def measure(ours, picture, size, name, rounds):
    """Milliseconds of cv2, of ours, and of ours on two threads: the median and the least of each."""
    height, width, channels = picture.shape
    target = np.empty((size[1], size[0], channels), np.uint8)
    times = {"cv2": [], 1: [], 2: []}
    for round in range(rounds + 1):
        if name in FILTERS:
            flag = FILTERS[name]
            taken = nanoseconds(lambda: cv2.resize(picture, size, dst=target, interpolation=flag))
            if round:
                times["cv2"].append(taken)
        for threads in (1, 2):
            answer = ours.ask("time", width, height, channels, *size, name, threads, 1)
            try:
                taken = int(answer)
            except ValueError:
                sys.exit(f"resize_raw: {answer or 'it ended'}")
            if round:
                times[threads].append(taken)
    return [(statistics.median(of) / 1e6, min(of) / 1e6) if of else None for of in times.values()]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("program")
    arguments.add_argument("directory", type=Path)
    arguments.add_argument("--quick", action="store_true")
    arguments.add_argument("--json", type=Path)
    arguments.add_argument("--markdown", type=Path)
    options = arguments.parse_args()

    cv2.setNumThreads(1)
    ours = Ours(options.program, options.directory)
    random = np.random.default_rng(5)
    rows = []
    for size_name, (width, height) in SIZES.items():
        if options.quick and size_name == "4K":
            continue
        rounds = 3 if options.quick else {"480p": 41, "1080p": 25, "4K": 9}[size_name]
        for kind, channels in KINDS.items():
            picture = random.integers(0, 256, (height, width, channels), dtype=np.uint8)
            for percent in PERCENTS:
                print(f"{size_name} {kind} {percent} % off …", file=sys.stderr)
                size = reduced(width, height, percent)
                for name in (*FILTERS, *PILLOW):
                    theirs, one, two = measure(ours, picture, size, name, rounds)
                    rows.append(
                        {
                            "filter": name,
                            "size": size_name,
                            "pixels": kind,
                            "percent_off": percent,
                            "cv2_ms": theirs and theirs[0],
                            "ours_ms": one[0],
                            "ours_2_threads_ms": two[0],
                            "cv2_to_ours": theirs and theirs[0] / one[0],
                            "cv2_to_ours_least": theirs and theirs[1] / one[1],
                            "one_thread_to_two": one[0] / two[0],
                            "one_thread_to_two_least": one[1] / two[1],
                        }
                    )
    ours.process.stdin.close()
    table = markdown(rows)
    print(table)
    if options.markdown:
        options.markdown.write_text(table, encoding="utf-8")
    if options.json:
        figures = {"opencv": cv2.__version__, "rows": rows}
        options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


def markdown(rows):
    lines = [
        "| filter | frame | pixels | off | cv2, ms | ours, ms | cv2 : ours | of the least | 2 threads, ms | 1 : 2 threads | of the least |",
        "|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        beside = "– | {ours_ms:.2f} | – | –" if row["cv2_ms"] is None else "{cv2_ms:.2f} | {ours_ms:.2f} | {cv2_to_ours:.1f} | {cv2_to_ours_least:.1f}"
        threads = "{ours_2_threads_ms:.2f} | {one_thread_to_two:.2f} | {one_thread_to_two_least:.2f}"
        lines.append(("| {filter} | {size} | {pixels} | {percent_off} % | " + beside + " | " + threads + " |").format(**row))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
