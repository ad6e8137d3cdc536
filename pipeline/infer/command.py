"""The command: finds model and input, runs the Beam pipeline, and records it."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from data.invalid import InvalidData
from data.placement import placing
from data.reading.input_files import InputFiles, is_remote
from data.reading.layout import Layout
from data.reading.problems import MOST_LISTED
from data.storage import files
from pipeline.beam_args import DIRECT_RUNNER, provide_secrets
from pipeline.classify.command import choose_batch, take_layout
from pipeline.classify.find_model import find_model
from pipeline.classify.inputs.finder import Finder
from pipeline.classify.inputs.parts import Part
from pipeline.history.digests import Digests
from pipeline.history.records import METADATA_FILE, create_metadata
from pipeline.infer.beam_pipeline import BAD_ROWS, SHARDS, run_inference
from pipeline.infer.lineage import record_inference
from pipeline.infer.model_handler import PushedModelHandler
from pipeline.local.output_folder import OutputInUseError, lock_output
from pipeline.terminal.console import make_console, show_spinner
from trainer.export.pushed_models import PushedModel

SUMMARY = "_inference.json"
"""In the folder of the answers: model, input, and number of images."""

_SECONDS_BETWEEN_TRIALS = 2.0


@dataclass(frozen=True)
class Request:
    """What the command was told.

    Attributes:
      inputs: files and folders.
      output: folder or address to write to.
      overwrite: whether to replace answers that are there.
      model_folder: as for `find_model`.
      threshold: what has a lower score is uncertain.
      batch_size: greatest number of images that the model gets at a time; None for a default.
      split: the split of data folders to classify; None for both.
      layout: how files are read. Classes and size are replaced by those of the model.
      span: the span of data folders; None for the newest.
      max_bad_rows: number of bad rows that are left out.
      beam_args: options of Beam; empty for the direct runner.
    """

    inputs: Sequence[str]
    output: str
    overwrite: bool
    model_folder: str
    threshold: float
    batch_size: int | None
    split: str | None
    layout: Layout
    span: int | None
    max_bad_rows: int
    beam_args: Sequence[str]


def run(request: Request, choose_files: Callable[[str], InputFiles]) -> None:
    """Classify what a request names.

    Args:
      request: the request.
      choose_files: from a path to the file system that has it.

    Raises:
      InvalidData: the model, an input or an option cannot be used.
      FileExistsError: answers are in the output folder, and `overwrite` is False.
    """
    # Beam and TensorFlow log much that is of no use here; their errors are exceptions.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("apache_beam").setLevel(logging.ERROR)
    started = time.perf_counter()
    pushed = _find_model(request.model_folder)
    layout = take_layout(pushed, request.layout)
    inputs = Finder(layout, choose_files, request.split or "", request.span).find(request.inputs)
    if inputs.observations or any(part.is_live for part in inputs.parts):
        raise InvalidData(
            "Observations and standard input are not divided among workers. Use: radio-signals "
            "classify"
        )
    console = make_console()
    spinner = show_spinner(console, f"classifying with {pushed.path}")
    with _placing(request.output, request.overwrite) as folder:
        with provide_secrets(request.beam_args), spinner:
            _classify(request, pushed, layout, inputs.parts, folder)
        bad = _read_bad_rows(folder, request.max_bad_rows)
        facts = _write_summary(folder, pushed, request, len(bad))
    seconds = time.perf_counter() - started
    with show_spinner(console, "waiting for the record of runs"):
        recorded = _record(pushed, request.output, facts)
    for name, text in (
        *(("left out", line) for line in bad),
        ("model", pushed.path),
        ("images", f"{facts['images']:,} in {seconds:.1f} s"),
        ("table", f"{request.output}: {facts['shards']:,} Parquet files"),
        ("lineage", recorded),
    ):
        console.print(f"{name:<9}{text}", markup=False)


def _classify(
    request: Request, pushed: PushedModel, layout: Layout, parts: Sequence[Part], folder: str
) -> None:
    size = choose_batch(request.batch_size, layout)
    run_inference(
        parts,
        PushedModelHandler(pushed.path, pushed.version, size),
        layout.classes,
        request.threshold,
        folder,
        request.beam_args or DIRECT_RUNNER,
    )


def _find_model(folder: str) -> PushedModel:
    """Return the newest blessed model; by its absolute path, as the Pusher records it."""
    pushed = find_model(folder, blessed=True)
    if is_remote(pushed.path):
        return pushed
    return PushedModel(pushed.version, os.path.abspath(pushed.path))


@contextlib.contextmanager
def _placing(output: str, overwrite: bool) -> Iterator[str]:
    """Yield the folder to write to; in a bucket, the output itself."""
    names = files.list_folder(output) if files.is_folder(output) else []
    existing = [name for name in names if name.startswith((SHARDS, SUMMARY, BAD_ROWS))]
    if not is_remote(output):
        with placing(Path(output), existing, overwrite) as unfinished:
            yield str(unfinished)
        return
    if existing and not overwrite:
        raise FileExistsError(f"{files.join(output, existing[0])} already exists.")
    for name in existing:
        files.remove_file(files.join(output, name))
    yield output


def _read_bad_rows(folder: str, most: int) -> list[str]:
    """Return the bad rows, sorted.

    Raises:
      InvalidData: there are too many.
    """
    lines = sorted(files.read_text(files.join(folder, BAD_ROWS)).splitlines())
    if len(lines) > most:
        shown = "\n".join(f"  {line}" for line in lines[:MOST_LISTED])
        raise InvalidData(
            f"Bad rows, {len(lines):,} in all:\n{shown}\n"
            f"Correct them, or leave them out: --max-bad-rows {len(lines)}."
        )
    return lines


def _write_summary(
    folder: str, pushed: PushedModel, request: Request, bad_rows: int
) -> dict[str, str | int]:
    """Write what is known of the inference, and return it."""
    from pyarrow import parquet

    shards = [name for name in files.list_folder(folder) if name.startswith(SHARDS)]
    images = 0
    for name in shards:
        with files.open_file(files.join(folder, name), "rb") as file:
            images += parquet.ParquetFile(file).metadata.num_rows
    facts: dict[str, str | int] = {
        "model": pushed.path,
        "model_id": str(pushed.card.get("model_id", "")),
        "input": ", ".join(request.inputs),
        "images": images,
        "bad_rows": bad_rows,
        "shards": len(shards),
    }
    files.write_file(files.join(folder, SUMMARY), json.dumps(facts, indent=2) + "\n")
    return facts


def _record(pushed: PushedModel, output: str, facts: dict[str, str | int]) -> str:
    """Record the inference where the runs of the model are recorded; return what was done."""
    runs = os.path.dirname(os.path.dirname(pushed.path))
    if is_remote(pushed.path) or not os.path.exists(os.path.join(runs, METADATA_FILE)):
        return f"not recorded: {runs} has no ML Metadata"
    uri = output if is_remote(output) else os.path.abspath(output)
    with _waiting_for(runs):
        connection = create_metadata(runs)
        try:
            number = record_inference(connection, pushed, uri, facts)
        finally:
            Digests(runs).add_record(os.path.join(runs, METADATA_FILE))
    return f"execution {number} in {os.path.join(runs, METADATA_FILE)}"


@contextlib.contextmanager
def _waiting_for(runs: str) -> Iterator[None]:
    """Lock an output folder as a run does. Wait for a run that writes to it."""
    with contextlib.ExitStack() as stack:
        while True:
            try:
                stack.enter_context(lock_output(runs))
                break
            except OutputInUseError:
                time.sleep(_SECONDS_BETWEEN_TRIALS)
        yield
