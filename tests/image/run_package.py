"""Run a compiled package task by task, as Kubeflow does, with what this Python has installed.

python -m tests.image.run_package PACKAGE FOLDER
"""

import sys
from pathlib import Path

from tests.kubeflow.installation import Installation

if __name__ == "__main__":
    package, folder = map(Path, sys.argv[1:])
    run = Installation(folder).run(package)
    print(run.table())
    if not run.succeeded:
        sys.exit(list(run.tasks.values())[-1].log[-3000:])
