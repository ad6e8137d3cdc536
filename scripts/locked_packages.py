"""Print the packages that a lock file selects for one version of Python, with their hashes.

    locked_packages.py LOCK PYTHON

LOCK is requirements.lock or requirements-image.lock, PYTHON a version such as 3.13. Linux on x86-64
is assumed, as in the image. Tools that list or audit packages do not read the markers that tell the
two lines of TFX apart, or read them for their own Python.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement


def list_packages(lock: str, python: str) -> Iterator[str]:
    """Yield `name==version --hash=...` for each package.

    Args:
      lock: content of the lock file.
      python: version of Python, such as 3.13.
    """
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "x86_64",
        "os_name": "posix",
        "extra": "",
    }
    lines = [line for line in lock.splitlines() if not line.lstrip().startswith("#")]
    for entry in "\n".join(lines).replace("\\\n", " ").splitlines():
        if not entry.strip():
            continue
        pinned, *hashes = entry.split(" --hash=")
        requirement = Requirement(pinned.strip())
        if requirement.marker is None or requirement.marker.evaluate(environment):
            named = f"{requirement.name}{requirement.specifier}"
            yield " --hash=".join([named, *(each.strip() for each in hashes)])


if __name__ == "__main__":
    file, version = sys.argv[1:]
    print("\n".join(list_packages(Path(file).read_text(encoding="utf-8"), version)))
