"""Print what takes the space in a container image that buildah built: layers and packages.

    image-sizes.py FOLDER IMAGE.json LAYERS.json

FOLDER is where the image's file system is mounted, IMAGE.json what `buildah inspect --type image`
says of it, and LAYERS.json the list of layers that buildah's storage holds.
"""

from __future__ import annotations

import json
import sys
from importlib import metadata
from pathlib import Path

_LARGEST = 15
# Characters of a step that tell it from others.
_STEP = 70


def package_sizes(site_packages: Path) -> dict[str, int]:
    """Return the bytes of every package in a folder, its compiled bytecode included."""
    sizes = {}
    for package in metadata.distributions(path=[str(site_packages)]):
        name = f"{package.metadata['Name']} {package.version}"
        files = {site_packages / str(file) for file in package.files or ()}
        # Bytecode was compiled after the list of files was written.
        files |= {
            cached
            for source in files
            if source.suffix == ".py"
            for cached in (source.parent / "__pycache__").glob(f"{source.stem}.cpython-*.pyc")
        }
        sizes[name] = sum(file.lstat().st_size for file in files if file.is_file())
    return sizes


def layer_sizes(image: dict, stored: list[dict]) -> list[tuple[str, int]]:
    """Return the image's layers from the lowest up: the step that made it, and its bytes."""
    sizes = {layer["diff-digest"]: layer["diff-size"] for layer in stored if "diff-digest" in layer}
    steps = [
        step["created_by"].removeprefix("/bin/sh -c ").removeprefix("#(nop) ")
        for step in image["OCIv1"]["history"]
        if not step.get("empty_layer")
    ]
    layers = image["OCIv1"]["rootfs"]["diff_ids"]
    return [(step, sizes[digest]) for step, digest in zip(steps, layers, strict=True)]


def main(root: Path, image: Path, stored: Path) -> None:
    """Print the sizes of an image whose file system is at `root`."""
    print("Its layers:")
    for step, size in layer_sizes(json.loads(image.read_text()), json.loads(stored.read_text())):
        print(f"{size / 1e6:8,.1f} MB  {step[:_STEP]}")
    print(f"The {_LARGEST} largest packages:")
    (site_packages,) = root.glob("opt/radio-signals/lib/python3.*/site-packages")
    sizes = package_sizes(site_packages)
    for name in sorted(sizes, key=sizes.get, reverse=True)[:_LARGEST]:
        print(f"{sizes[name] / 1e6:8,.1f} MB  {name}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
