"""`radio-signals data check`: lists every problem of a data folder, without TensorFlow."""

from __future__ import annotations

import logging
import time

from rich.markup import escape
from rich.table import Table

from components.spectrogram_example_gen.file_systems import choose_files
from data.reading.check import check_folder
from data.reading.problems import list_problems
from data.reading.verdict import Findings
from data.seed_layout import SPLITS
from pipeline.config.config import Config
from pipeline.terminal.console import make_console, show_progress_bar


def check_data(config: Config) -> None:
    """Check the data folder of a configuration and show the result.

    Raises:
      InvalidData: listing all errors.
    """
    # Beam logs every attempt to reach a bucket; the final error is enough.
    logging.getLogger("apache_beam").setLevel(logging.ERROR)
    console = make_console()
    started = time.perf_counter()
    with show_progress_bar(console, "reading") as advance:
        inventory, findings = check_folder(
            config.data,
            config.layout,
            config.input.tolerance,
            config.input.format,
            config.input.span,
            choose_files(config.data),
            progress=advance,
        )
    span = f", span {inventory.span}" if inventory.span else ""
    console.print(
        f"{escape(inventory.folder)}: {inventory.format or 'no known format'}{span}, "
        f"{config.height} x {config.width}, read in {time.perf_counter() - started:.1f} s"
    )
    if inventory.chunks:
        console.print(_build_counts_table(findings))
    if findings.dropped:
        heading = f"{len(findings.dropped):,} bad rows would be left out:"
        console.print(list_problems(findings.dropped, heading), markup=False)
    if findings.warnings:
        heading = f"{len(findings.warnings):,} oddities:"
        console.print("warning: " + list_problems(findings.warnings, heading), markup=False)
    findings.raise_errors(inventory.folder)
    console.print("no errors")


def _build_counts_table(findings: Findings) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("class")
    for split in SPLITS:
        table.add_column(split, justify="right")
    for name in findings.counts[SPLITS[0]]:
        counts = (f"{findings.counts[split][name]:,}" for split in SPLITS)
        table.add_row(escape(name), *counts)
    return table
