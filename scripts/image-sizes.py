"""Print what takes the space in a container image: its layers, and its largest packages.

Run by a Python in the image, or on a folder where it is mounted:

    image-sizes.py FOLDER    the file system of the image
"""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

_LARGEST = 15


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


def folder_size(folder: Path) -> int:
    """Return the bytes of the files in a folder, links not followed."""
    return sum(
        path.lstat().st_size
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    )


def main(root: Path) -> None:
    """Print the sizes of the file system `root`."""
    environment = root / "opt/radio-signals"
    for name, folder in {
        "system and Python": "usr",
        "packages": "opt/radio-signals",
        "Beam's boot program": "opt/apache",
    }.items():
        print(f"{folder_size(root / folder) / 1e6:8,.0f} MB  {name}")
    print(f"The {_LARGEST} largest packages:")
    (site_packages,) = environment.glob("lib/python3.*/site-packages")
    sizes = package_sizes(site_packages)
    for name in sorted(sizes, key=sizes.get, reverse=True)[:_LARGEST]:
        print(f"{sizes[name] / 1e6:8,.0f} MB  {name}")
    print(f"{sum(sizes.values()) / 1e6:8,.0f} MB  all {len(sizes)} packages")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
