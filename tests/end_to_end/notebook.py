"""A notebook of this repository, executed."""

import os
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def execute(name: str, **environment: object) -> nbformat.NotebookNode:
    """Execute a notebook where it lies, in a kernel of its own; the file stays as it is.

    Args:
      name: without its ending.
      environment: variables of the kernel, over this process's.

    Raises:
      CellExecutionError: a cell failed.
    """
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
    """Return everything of a MIME type, and of `stream` what was printed, in order."""
    return [
        output["text"] if kind == "stream" else output["data"][kind]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if (output.output_type == "stream" if kind == "stream" else kind in output.get("data", {}))
    ]
