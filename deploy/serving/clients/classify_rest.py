#!/usr/bin/env python3
"""Asks a server for the classes of spectrograms over REST. Needs NumPy.

    python classify_rest.py IMAGES.npy [--server http://localhost:8501] [--label canary]

IMAGES.npy holds [images, height, width], grey levels from 0 to 1 or uint8 from 0 to 255. TensorFlow
Serving, KServe and `radio-signals serve` answer alike.
"""

import argparse
import json
import sys
import urllib.error
import urllib.request

import numpy as np


def classify(spectrograms, server, model="radio-signals", version="", seconds=30):
    """Return an answer for each spectrogram: `class`, `score` and `probabilities`.

    Args:
      spectrograms: float [N, height, width], grey levels from 0 to 1.
      server: its address.
      model: name of the model.
      version: `versions/NUMBER` or `labels/NAME`; empty for the newest.
      seconds: how long to wait for the answer.
    """
    address = "/".join(filter(None, [f"{server}/v1/models/{model}", version]))
    body = {
        "signature_name": "classify_spectrograms",
        "instances": np.round(spectrograms, 6).tolist(),
    }
    request = urllib.request.Request(
        f"{address}:predict",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=seconds) as response:
        return json.load(response)["predictions"]


def main():
    """Print a line for each spectrogram."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("images", metavar="IMAGES.npy")
    parser.add_argument("--server", default="http://localhost:8501")
    parser.add_argument("--model", default="radio-signals")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--version", type=int)
    choice.add_argument("--label")
    options = parser.parse_args()
    images = np.load(options.images)
    levels = images / 255 if images.dtype == np.uint8 else images
    version = f"labels/{options.label}" if options.label else ""
    if options.version:
        version = f"versions/{options.version}"
    try:
        answers = classify(levels, options.server.rstrip("/"), options.model, version)
    except urllib.error.HTTPError as error:
        sys.exit(f"The server refused the request ({error.code}): {error.read().decode()}")
    except urllib.error.URLError as error:
        sys.exit(f"{options.server} does not answer: {error.reason}")
    for number, answer in enumerate(answers):
        print(number, answer["class"], f"{answer['score']:.4f}", sep="\t")


if __name__ == "__main__":
    main()
