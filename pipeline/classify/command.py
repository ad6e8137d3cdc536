"""The command: finds model and input, classifies, and says what came of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from rich.console import Console

from data.invalid import InvalidData
from data.reading.input_files import InputFiles
from data.reading.layout import Layout
from data.telescope.tiling import Grid
from pipeline.classify.extremes import Extremes
from pipeline.classify.find_model import find_model
from pipeline.classify.images import Decided, classify_images, read_batches
from pipeline.classify.inputs.batches import LeftOut, read_ahead
from pipeline.classify.inputs.finder import Finder, Inputs
from pipeline.classify.observations.scan import Scan, plan_tilings, scan_observations
from pipeline.classify.summary import (
    describe_origin,
    summarise_images,
    summarise_rows,
    summarise_scan,
)
from pipeline.classify.tables import check_name
from pipeline.serving.served_model import ServedModel, load_model
from pipeline.terminal.console import make_console, show_progress_bar, show_spinner
from trainer.export.model_card import MODEL_CARD
from trainer.export.pushed_models import PushedModel

# By default, a batch has so many images, or fewer with so many pixels together.
_MOST_IN_BATCH, _MOST_PIXELS = 256, 1 << 21


@dataclass(frozen=True)
class Request:
    """What the command was told.

    Attributes:
      inputs: files, folders and "-".
      model_folder: as for `find_model`.
      output: the table to write; None for standard output.
      threshold: what has a lower score is uncertain.
      batch_size: images that the model gets at a time; None for a default.
      split: the split of data folders to classify; None for both.
      plot: a gallery of images to draw; None for none.
      plots: a folder for pictures of candidates; None for none.
      min_snr: the lowest signal-to-noise ratio of a candidate.
      noise_class: the class of a tile without a signal.
      grid: options of `data.telescope.tiling.Grid`, without height and width.
      layout: how files are read. Classes and size are replaced by those of the model.
      span: the span of data folders; None for the newest.
      max_bad_rows: number of bad rows that are left out.
    """

    inputs: Sequence[str]
    model_folder: str
    output: str | None
    threshold: float
    batch_size: int | None
    split: str | None
    plot: str | None
    plots: str | None
    min_snr: float
    noise_class: str
    grid: dict[str, Any]
    layout: Layout
    span: int | None
    max_bad_rows: int


def run(request: Request, choose_files: Callable[[str], InputFiles]) -> None:
    """Classify what a request names.

    Args:
      request: the request.
      choose_files: from a path to the file system that has it.

    Raises:
      InvalidData: the model, an input or an option cannot be used.
    """
    # What TensorFlow writes of its own is of no use here; its errors are exceptions.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    check_name(request.output)
    pushed = find_model(request.model_folder)
    layout = take_layout(pushed, request.layout)
    finder = Finder(layout, choose_files, request.split or "", request.span)
    inputs = finder.find(request.inputs)
    _refuse_overwriting(inputs, request.output)
    with _leaving_when_nobody_reads():
        if inputs.observations:
            _scan(request, pushed, inputs, layout)
        else:
            _classify(request, pushed, inputs, layout)


def _classify(request: Request, pushed: PushedModel, inputs: Inputs, layout: Layout) -> None:
    """Classify spectrograms."""
    if request.plots:
        raise InvalidData(
            "--plots draws the candidates of observations, and there is none. Use --plot."
        )
    console = _make_console(request)
    left_out = LeftOut(request.max_bad_rows)
    extremes = Extremes(layout) if request.plot else None
    batches = read_batches(inputs.parts, choose_batch(request.batch_size, layout), left_out)
    if any(part.is_live for part in inputs.parts):
        model = _load(console, pushed)
        batches = read_ahead(batches)
    else:
        # Files can be read while the model is loaded. A thread that waits for standard input would
        # keep the command from ending if the model does not load.
        batches = read_ahead(batches)
        model = _load(console, pushed)
    known = [part.estimate_images() for part in inputs.parts]
    total = None if None in known else sum(images or 0 for images in known)
    with _showing_progress(console, request, "classifying", total) as advance:

        def see(decided: Decided, images: int) -> None:
            if extremes is not None:
                extremes.add(decided)
            advance(images, total)

        outcome = classify_images(
            model, inputs.parts, request.output, request.threshold, batches, see
        )
    origin = describe_origin(request.inputs)
    if extremes is not None and request.plot:
        extremes.draw(request.plot, ", ".join(request.inputs) + origin)
    summarise_images(console, pushed, outcome, layout.classes, origin)
    summarise_rows(console, left_out, inputs.ignored)
    _name_files(console, {"table": request.output, "plot": request.plot})


def _scan(request: Request, pushed: PushedModel, inputs: Inputs, layout: Layout) -> None:
    """Search observations for candidates."""
    if inputs.parts:
        other = inputs.parts[0].source.images
        raise InvalidData(
            f"{inputs.observations[0]} is an observation and {other} is not. Their tables have "
            "other columns: classify them separately."
        )
    if request.plot:
        raise InvalidData("--plot draws images, and these are observations. Use --plots DIR.")
    if request.noise_class not in layout.classes:
        raise InvalidData(
            f"The model has no class {request.noise_class}, but {', '.join(layout.classes)}. Name "
            "the class of a tile without a signal with --noise-class."
        )
    scan = Scan(
        inputs.observations,
        Grid(layout.height, layout.width, **request.grid),
        request.noise_class,
        request.min_snr,
        request.threshold,
        choose_batch(request.batch_size, layout),
        request.output,
        request.plots,
    )
    tilings = plan_tilings(scan)
    console = _make_console(request)
    model = _load(console, pushed)
    with _showing_progress(console, request, "scanning", sum(map(len, tilings))) as advance:
        scanned = scan_observations(model, scan, tilings, advance)
    summarise_scan(console, pushed, scan, tilings, scanned)
    summarise_rows(console, None, inputs.ignored)
    _name_files(console, {"table": request.output, "plots": request.plots})


def take_layout(pushed: PushedModel, layout: Layout) -> Layout:
    """Return the layout with the classes and the size of a model.

    Raises:
      InvalidData: the model has no card.
    """
    card = pushed.card
    if not card:
        raise InvalidData(f"{pushed.path} cannot be used because {MODEL_CARD} is missing.")
    return replace(
        layout,
        classes=tuple(card["classes"]),
        height=card["height"],
        width=card["width"],
        needs_labels=False,
    )


def _refuse_overwriting(inputs: Inputs, output: str | None) -> None:
    for path in (*(part.source.images for part in inputs.parts), *inputs.observations):
        exist = output is not None and os.path.exists(output) and os.path.exists(path)
        if exist and os.path.samefile(path, str(output)):
            raise InvalidData(f"{output} is an input. Choose another file for --output.")


def choose_batch(batch_size: int | None, layout: Layout) -> int:
    """Return how many images the model gets at a time; fewer of large ones if nobody says so."""
    return batch_size or max(1, min(_MOST_IN_BATCH, _MOST_PIXELS // layout.pixels))


def _make_console(request: Request) -> Console:
    """Return the console for what is not the table."""
    return make_console(sys.stderr if request.output is None else sys.stdout)


def _load(console: Console, pushed: PushedModel) -> ServedModel:
    with show_spinner(console, f"loading {pushed.path}"):
        return load_model(pushed.path, pushed.version)


def _showing_progress(
    console: Console, request: Request, activity: str, total: int | None
) -> AbstractContextManager[Callable[[int, int | None], None]]:
    if request.output is None and sys.stdout.isatty():  # the table is there
        return nullcontext(lambda _done, _total: None)
    return show_progress_bar(console, activity, total)


@contextmanager
def _leaving_when_nobody_reads() -> Iterator[None]:
    """Return without an error when the reader of standard output has ended, as `head` does."""
    try:
        yield
    except BrokenPipeError:
        # Otherwise Python would fail again to write what is left when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _name_files(console: Console, paths: dict[str, str | None]) -> None:
    for name, path in paths.items():
        if path:
            console.print(f"{name:<9}{path}", markup=False)
