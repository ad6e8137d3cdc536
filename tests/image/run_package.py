"""Run a compiled package task by task, as Kubeflow does, with the packages of this Python.

python -m tests.image.run_package PACKAGE FOLDER
"""

import sys
from pathlib import Path

from tests.kubeflow.fake_installation import FakeInstallation

if __name__ == "__main__":
    # Each task runs in its own folder, where a relative path would point to another file.
    package, folder = (Path(argument).resolve() for argument in sys.argv[1:])
    run = FakeInstallation(folder).run(package)
    print(run.format_table())
    if not run.succeeded:
        sys.exit(run.end_of_log)
