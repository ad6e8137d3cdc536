"""`radio-signals data check`: lists every problem of a data folder, without TensorFlow."""

from __future__ import annotations

import logging
import time

from rich.markup import escape
from rich.table import Table

from components.spectrogram_example_gen.file_systems import choose_files
from data.reading.check import check_folder
from data.reading.inventory import Inventory
from data.reading.problems import list_problems
from data.reading.verdict import Findings
from data.seed_layout import TRAIN
from pipeline.config.config import Config
from pipeline.terminal.console import discard_library_output, make_console, show_progress_bar


def check_data(config: Config) -> tuple[Inventory, Findings]:
    """Check the data folder of a configuration and show the result.

    Raises:
      InvalidData: listing all errors.
    """
    # Beam logs every attempt to reach a bucket; the final error is enough.
    logging.getLogger("apache_beam").setLevel(logging.ERROR)
    started = time.perf_counter()
    # The decoder of TIFF pictures writes to standard error what is wrong, without the file.
    with discard_library_output() as terminal, show_progress_bar(terminal, "reading") as advance:
        inventory, findings = check_folder(
            config.data,
            config.layout,
            config.input.tolerance,
            config.input.format,
            config.input.span,
            choose_files(config.data),
            progress=advance,
            division=config.division,
        )
    console = make_console()
    span = f", span {inventory.span}" if inventory.span else ""
    console.print(
        f"{escape(inventory.folder)}: {inventory.format or 'no known format'}{span}, "
        f"{config.height} x {config.width}, read in {time.perf_counter() - started:.1f} s"
    )
    if inventory.chunks:
        console.print(_build_counts_table(findings))
    if config.division.fraction and inventory.chunks:
        console.print(
            f"{config.division.fraction:g} of each class is set aside for validation, chosen by "
            f"content and seed {config.division.seed}"
        )
    for remark in findings.remarks:
        console.print(remark, markup=False)
    if findings.dropped:
        heading = f"{len(findings.dropped):,} bad rows would be left out:"
        console.print(list_problems(findings.dropped, heading), markup=False)
    if findings.warnings:
        heading = f"{len(findings.warnings):,} oddities:"
        console.print("warning: " + list_problems(findings.warnings, heading), markup=False)
    findings.raise_errors(inventory.folder)
    console.print("no errors")
    return inventory, findings


def _build_counts_table(findings: Findings) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("class")
    for split in findings.counts:
        table.add_column(split, justify="right")
    for name in findings.counts[TRAIN]:
        counts = (f"{by_class[name]:,}" for by_class in findings.counts.values())
        table.add_row(escape(name), *counts)
    return table
