"""`radio-signals data check`: everything that is wrong with a data folder, without TensorFlow."""

from __future__ import annotations

import logging
import time

from rich.markup import escape
from rich.table import Table

from components.spectrogram_example_gen.file_systems import files_of
from data.reading.check import check_folder
from data.reading.problems import listed
from data.reading.verdict import Findings
from data.seed_layout import SPLITS
from pipeline.config.config import Config
from pipeline.terminal.console import plain_console, progress_bar


def check_here(config: Config) -> None:
    """Check the data of a configuration and show what was found.

    Raises:
      InvalidData: listing all errors.
    """
    # Beam tells of every attempt to reach a bucket; the error at the end is enough.
    logging.getLogger("apache_beam").setLevel(logging.ERROR)
    console = plain_console()
    started = time.perf_counter()
    with progress_bar(console, "reading") as advance:
        inventory, findings = check_folder(
            config.data,
            config.layout,
            config.input.tolerance,
            config.input.format,
            config.input.span,
            files_of(config.data),
            progress=advance,
        )
    span = f", span {inventory.span}" if inventory.span else ""
    console.print(
        f"{escape(inventory.folder)}: {inventory.format or 'no known format'}{span}, "
        f"{config.height} x {config.width}, read in {time.perf_counter() - started:.1f} s"
    )
    if inventory.parts:
        console.print(_counts(findings))
    if findings.dropped:
        heading = f"{len(findings.dropped):,} bad rows would be left out:"
        console.print(listed(findings.dropped, heading), markup=False)
    if findings.warnings:
        heading = f"{len(findings.warnings):,} oddities:"
        console.print("warning: " + listed(findings.warnings, heading), markup=False)
    findings.raise_errors(inventory.folder)
    console.print("no errors")


def _counts(findings: Findings) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("class")
    for split in SPLITS:
        table.add_column(split, justify="right")
    for name in findings.counts[SPLITS[0]]:
        counts = (f"{findings.counts[split][name]:,}" for split in SPLITS)
        table.add_row(escape(name), *counts)
    return table
