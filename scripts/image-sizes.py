"""Print the sizes of layers and packages of a container image that buildah built.

    image-sizes.py FOLDER IMAGE.json LAYERS.json

FOLDER is the mount point of the image's file system, IMAGE.json the output of `buildah inspect
--type image`, and LAYERS.json the list of layers in buildah's storage.
"""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

_PACKAGES_SHOWN = 15
# Enough characters of a step to recognise it.
_STEP_CHARACTERS = 70


def measure_packages(site_packages: Path) -> dict[str, int]:
    """Return the bytes of every package in a folder, including its bytecode."""
    sizes = {}
    for package in metadata.distributions(path=[str(site_packages)]):
        name = f"{package.metadata['Name']} {package.version}"
        files = {site_packages / str(file) for file in package.files or ()}
        # Bytecode is not in the list of files, because it was compiled later.
        files |= {
            cached
            for source in files
            if source.suffix == ".py"
            for cached in (source.parent / "__pycache__").glob(f"{source.stem}.cpython-*.pyc")
        }
        sizes[name] = sum(file.lstat().st_size for file in files if file.is_file())
    return sizes


def measure_layers(image: dict[str, Any], stored: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Return the build step and the bytes of each layer of the image, the lowest first."""
    sizes = {layer["diff-digest"]: layer["diff-size"] for layer in stored if "diff-digest" in layer}
    steps = [
        step["created_by"].removeprefix("/bin/sh -c ").removeprefix("#(nop) ")
        for step in image["OCIv1"]["history"]
        if not step.get("empty_layer")
    ]
    layers = image["OCIv1"]["rootfs"]["diff_ids"]
    return [(step, sizes[digest]) for step, digest in zip(steps, layers, strict=True)]


def main(root: Path, image: Path, stored: Path) -> None:
    """Print the sizes of an image whose file system is mounted at `root`."""
    print("Layers:")
    for step, size in measure_layers(json.loads(image.read_text()), json.loads(stored.read_text())):
        print(f"{size / 1e6:8,.1f} MB  {step[:_STEP_CHARACTERS]}")
    print(f"The {_PACKAGES_SHOWN} largest packages:")
    (site_packages,) = root.glob("opt/radio-signals/lib/python3.*/site-packages")
    sizes = measure_packages(site_packages)
    for name in sorted(sizes, key=sizes.get, reverse=True)[:_PACKAGES_SHOWN]:
        print(f"{sizes[name] / 1e6:8,.1f} MB  {name}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
