"""`radio-signals prune`: shows what can be removed from an output folder, and removes it."""

from __future__ import annotations

from itertools import groupby

from rich.filesize import decimal
from rich.table import Table

from data.storage import files
from pipeline.history.prune import Limits, find_removals, measure_freed_bytes
from pipeline.local.output_folder import lock_output
from pipeline.terminal.console import make_console, print_table


def prune_output(output: str, limits: Limits, *, remove: bool) -> None:
    """Show what can be removed from an output folder, and remove it if that is wanted.

    Args:
      output: the output folder.
      limits: what to keep.
      remove: whether to remove it.

    Raises:
      LookupError: the folder holds no runs.
      OutputInUseError: a run is writing to the folder.
    """
    console = make_console()
    with lock_output(output):
        removals = find_removals(output, limits)
        if not removals:
            console.print("There is nothing to remove.")
            return
        table = Table(box=None, pad_edge=False)
        for heading, justify in (("kind", "left"), ("number", "right"), ("path", "left")):
            table.add_column(heading, justify=justify)  # type: ignore[arg-type]
        for kind, group in groupby(removals, key=lambda removal: removal.kind):
            paths = [str(removal.path) for removal in group]
            more = f" ... {paths[-1]}" if len(paths) > 1 else ""
            table.add_row(kind, str(len(paths)), f"{paths[0]}{more}")
        print_table(table)
        freed = decimal(measure_freed_bytes([removal.path for removal in removals]))
        if not remove:
            console.print(f"This would free {freed}. Nothing was removed: add --yes to remove it.")
            return
        for removal in removals:
            path = str(removal.path)
            if removal.path.is_dir():
                files.remove_folder(path)
            else:
                files.remove_file(path)
        console.print(f"Removed. {freed} are free.")
