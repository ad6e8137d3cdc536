"""Run a compiled package task by task, as Kubeflow does, with what this Python has installed.

python -m tests.image.run_package PACKAGE FOLDER
"""

import sys
from pathlib import Path

from tests.kubeflow.installation import Installation

if __name__ == "__main__":
    # Tasks run in folders of their own, where a relative path would be another one.
    package, folder = (Path(argument).resolve() for argument in sys.argv[1:])
    run = Installation(folder).run(package)
    print(run.table())
    if not run.succeeded:
        sys.exit(list(run.tasks.values())[-1].log[-3000:])
