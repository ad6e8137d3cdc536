#!/usr/bin/env python3
"""Measures `radio-signals serve` under load, beside calls of the same model in this process.

    python benchmarks/serving_load.py SERVING [--seconds 1] [--repeat 15] [--max-wait-ms 0]

SERVING is the folder of the pushed models. Each client sends one spectrogram at a time and waits
for the answer, over a connection that it keeps. Clients are threads of this process, so they and
the server share the processor. Every repetition measures everything in turn, and the results are
medians of the repetitions. The ratio is that of images/s to those of calls in this process in the
same repetition. Such a call takes as many images as there are clients.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np

CLIENTS = (1, 16)
_HERE = "in this process"
NAME = "radio-signals"
COMMAND = Path(sys.executable).with_name("radio-signals")

Request = tuple[str, bytes, dict[str, str]]
"""Path, body and headers."""


@contextmanager
def run_server(serving: str, wait_ms: float) -> Iterator[str]:
    """Start a server on a free port; yield its host and port."""
    options = ["--port", "0", "--no-access-log", "--max-wait-ms", str(wait_ms)]
    process = subprocess.Popen(
        [COMMAND, "serve", "--serving", serving, *options], stdout=subprocess.PIPE, text=True
    )
    try:
        for line in process.stdout or ():
            if match := re.match(r"metrics +http://([^/]+)/", line):
                break
        else:
            raise SystemExit("The server did not start.")
        yield match[1]
    finally:
        process.terminate()
        process.wait()


def make_requests(levels: np.ndarray) -> dict[str, Request]:
    """Return a request for one spectrogram in each form."""
    grey = (levels[np.newaxis] / 255).astype(np.float32)
    # Six decimals, as in the published CSV files.
    instances = [[[round(float(value), 6) for value in row] for row in grey[0]]]
    body = {"signature_name": "classify_spectrograms", "instances": instances}
    json_headers = {"Content-Type": "application/json"}
    return {
        "v1, JSON": (f"/v1/models/{NAME}:predict", json.dumps(body).encode(), json_headers),
        "v2, binary FP32": make_binary_request(grey, "FP32"),
        "v2, binary UINT8": make_binary_request(levels[np.newaxis], "UINT8"),
    }


def make_binary_request(values: np.ndarray, datatype: str) -> Request:
    """Return a request of the Open Inference Protocol with binary tensor data."""
    content = values.tobytes()
    tensor = {
        "name": "spectrograms",
        "shape": list(values.shape),
        "datatype": datatype,
        "parameters": {"binary_data_size": len(content)},
    }
    head = json.dumps({"inputs": [tensor]}).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    return f"/v2/models/{NAME}/infer", head + content, headers


def ask(address: str, request: Request, end: float) -> list[float]:
    """Send a request again and again until a time; return the seconds of each."""
    connection = http.client.HTTPConnection(address)
    path, body, headers = request
    seconds = []
    while time.perf_counter() < end:
        started = time.perf_counter()
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        answer.read()
        seconds.append(time.perf_counter() - started)
        if answer.status != 200:
            raise SystemExit(f"{path} answered with status {answer.status}.")
    connection.close()
    return seconds


def load_server(address: str, request: Request, clients: int, seconds: float) -> list[float]:
    """Have several clients ask; return the seconds of all requests."""
    end = time.perf_counter() + seconds
    with ThreadPoolExecutor(clients) as pool:
        asked = pool.map(lambda _: ask(address, request, end), range(clients))
    return [each for client in asked for each in client]


def call_model(classify: Callable[[np.ndarray], object], levels: np.ndarray, seconds: float):
    """Call the model in this process; return the seconds of each call."""
    end, calls = time.perf_counter() + seconds, []
    while time.perf_counter() < end:
        started = time.perf_counter()
        classify(levels)
        calls.append(time.perf_counter() - started)
    return calls


def summarise(calls: list[float], images: float) -> list[float]:
    """Return images/s, a place for the ratio and, in ms, the median, 95th and 99th percentile."""
    return [images, 1.0, *(1e3 * np.percentile(calls, [50, 95, 99]))]


def measure(options: argparse.Namespace) -> dict[tuple[str, int], list[float]]:
    """Return the medians of all repetitions, by form and number of clients."""
    from pipeline.serving.served_model import load_model
    from trainer.export.pushed_models import find_sound_models

    pushed = next(find_sound_models(options.serving))
    model = load_model(pushed.path, pushed.version, max(CLIENTS))
    shape = (max(CLIENTS), model.height, model.width)
    levels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    results: dict[tuple[str, int], list[list[float]]] = {}
    with run_server(options.serving, options.max_wait_ms) as address:
        forms = make_requests(levels[0])
        for number in range(options.repeat + 1):
            for clients in CLIENTS:
                calls = call_model(model.classify, levels[:clients], options.seconds)
                figures = {_HERE: summarise(calls, clients * len(calls) / sum(calls))}
                for form, request in forms.items():
                    asked = load_server(address, request, clients, options.seconds)
                    figures[form] = summarise(asked, len(asked) / options.seconds)
                    figures[form][1] = figures[form][0] / figures[_HERE][0]
                for form, values in figures.items():
                    if number:  # The first round only warms up.
                        results.setdefault((form, clients), []).append(values)
    return {
        key: [statistics.median(column) for column in zip(*rows, strict=True)]
        for key, rows in results.items()
    }


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("serving", metavar="SERVING")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement (1)")
    parser.add_argument("--repeat", type=int, default=15, help="repetitions (15)")
    parser.add_argument("--max-wait-ms", type=float, default=0.0, help="option of serve (0)")
    results = measure(parser.parse_args())
    print("| clients | | images/s | ratio | median, ms | 95 % | 99 % |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for (form, clients), (images, ratio, *percentiles) in results.items():
        milliseconds = " | ".join(f"{value:.1f}" for value in percentiles)
        print(f"| {clients} | {form} | {images:,.0f} | {ratio:.2f} | {milliseconds} |")


if __name__ == "__main__":
    main()
