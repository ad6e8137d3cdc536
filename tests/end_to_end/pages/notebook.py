"""Executes the notebooks of this repository.

The libraries for notebooks are imported where they are used: that takes seconds, which every worker
of the tests would pay.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import nbformat

NOTEBOOKS = Path(__file__).parents[3] / "notebooks"


def execute(name: str, **environment: object) -> nbformat.NotebookNode:
    """Execute a notebook in its own folder and kernel, without changing the file.

    Args:
      name: name of the file without its ending.
      environment: environment variables of the kernel, in addition to those of this process.

    Raises:
      CellExecutionError: a cell raised an error.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    client = NotebookClient(
        notebook,
        timeout=900,
        kernel_name="python3",
        resources={"metadata": {"path": str(NOTEBOOKS)}},
    )
    client.execute(env={**os.environ, **{key: str(value) for key, value in environment.items()}})
    return notebook


def outputs(notebook: nbformat.NotebookNode, kind: str) -> list[str]:
    """Return all outputs of a MIME type in order; for `stream`, the printed text."""
    return [
        output["text"] if kind == "stream" else output["data"][kind]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if (output.output_type == "stream" if kind == "stream" else kind in output.get("data", {}))
    ]
