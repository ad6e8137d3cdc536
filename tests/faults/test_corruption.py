"""Every file that a run leaves, damaged one at a time: no command uses it unnoticed.

The campaign takes half an hour or more. RADIO_SIGNALS_DAMAGE='serving|metrics' restricts it to the
files whose path fits this regular expression, for example to the ones that failed:

    RADIO_SIGNALS_DAMAGE='Evaluator' pytest -s -m faults tests/faults/test_corruption.py
"""

import json
import os
import re
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.example_validator.accepted_statistics import AcceptedStatistics
from data.invalid import InvalidData
from data.simulation.dataset import simulate_dataset
from pipeline.history.records import connect_to_metadata, read_newest_run
from tests.end_to_end.support.pipeline_runs import COMMAND, SMALL, run_pipeline
from trainer.export.model_card import find_damage

OPTIONS = (*SMALL, "--epochs=1", "--set=thresholds.accuracy=0", "--set=height=32", "--set=width=32")
TRIALS = ("--trials=2", "--trial-epochs=1")
SELECTED = os.environ.get("RADIO_SIGNALS_DAMAGE", "")

# The kinds of files, by the beginning of their path below OUTPUT. The first that fits counts.
KINDS = {
    r"logs/": "logs",
    r"comparisons/": "comparison pages",
    r"\.lock": "lock",
    r"\.latest-": "latest/",
    r"metadata\.sqlite": "record of runs",
    r"digests\.json": "digests",
    r"artifacts/owner\.json": "owner of the artifacts",
    r"accepted_statistics/": "accepted statistics",
    r"checkpoints/trials/": "results of trials",
    r"serving/": "pushed model",
    r"artifacts/\w+/\.": "TFX's own files",
    r"artifacts/Report/": "reports",
    r"artifacts/Trainer/model/": "trained model",
    r"artifacts/SpectrogramExampleGen/": "examples",
    r"artifacts/": "other artifacts",
}
# No command reads these: people do. Of the lock, only the lock itself counts, which is no content.
UNREAD = {"logs", "comparison pages", "lock", "TFX's own files"}
# Each run writes these anew, and only people read them.
REPLACED = {"latest/"}


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def empty(content: bytes) -> bytes:
    return b""


def flip(content: bytes) -> bytes:
    """Flip a bit in the middle; of an empty file, add one byte."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1 if content else 0]) + content[middle + 1 :]


DAMAGES = (cut, empty, flip)


@dataclass(frozen=True)
class Answer:
    """What a command returned and printed on both streams."""

    status: int
    text: str


@dataclass
class Finished:
    """A finished run, its output folder, and a copy of that.

    Attributes:
      command: the command that made it, which is answered from the cache.
      output: the output folder, in which files are damaged.
      copy: what it was.
    """

    command: tuple[str, ...]
    output: Path
    copy: Path

    def __post_init__(self):
        if self.command[0] == "tune":
            self.call("report", "--compare", "1", "1")
        self.pushed_to = self.metrics["pushed_to"]
        self.page = self.call("report", "--run=1").text
        self.row = self.call("runs").text.splitlines()[1]
        subprocess.run(["cp", "-a", self.output, self.copy], check=True)

    def restore(self) -> None:
        subprocess.run(["rm", "-rf", self.output], check=True)
        subprocess.run(["cp", "-a", self.copy, self.output], check=True)

    def call(self, *arguments: str) -> Answer:
        finished = subprocess.run(
            [COMMAND, *arguments, f"--output={self.output}"],
            capture_output=True,
            text=True,
            timeout=900,
        )
        return Answer(finished.returncode, finished.stdout + finished.stderr)

    @property
    def metrics(self) -> dict:
        return json.loads((self.output / "latest" / "metrics.json").read_text())


def finish(folder: Path, *command: str) -> Finished:
    """Make data and run a command on them to its end."""
    simulate_dataset(folder / "data" / "span-1", 60, 40, height=32, width=32, workers=1)
    name, *options = (*command, *OPTIONS)
    run = run_pipeline(folder / "data", folder / "runs", *options, command=name)
    assert run.status == 0, run.text
    arguments = (name, f"--data={folder / 'data'}", *options)
    return Finished(arguments, run.output, folder / "copy")


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Finished:
    return finish(tmp_path_factory.mktemp("run"), "run")


@pytest.fixture(scope="module")
def search(tmp_path_factory) -> Finished:
    return finish(tmp_path_factory.mktemp("search"), "tune", *TRIALS)


def find_kind(file: Path, output: Path) -> str:
    path = str(file.relative_to(output))
    return next(kind for pattern, kind in KINDS.items() if re.match(pattern, path))


def damage(file: Path, how: Callable[[bytes], bytes]) -> None:
    """Replace a file by a damaged one. Its other hard links keep the content."""
    damaged = file.with_name(f"{file.name}.damaged")
    damaged.write_bytes(how(file.read_bytes()))
    assert damaged.read_bytes() != file.read_bytes()
    damaged.replace(file)


def is_named(file: Path, text: str) -> bool:
    """Whether a text has the path of a file, or the path of a folder and the path from there."""
    return str(file) in text or any(
        str(folder) in text and str(file.relative_to(folder)) in text for folder in file.parents
    )


def list_executed(text: str) -> list[str]:
    """Return the steps that did not come from the cache."""
    steps = re.findall(r"^\[ ?\d+/\d+\] (\S+) +(.+)", text, re.MULTILINE)
    return [step for step, duration in steps if duration != "from the cache"]


def check_run(finished: Finished, file: Path, kind: str, answer: Answer) -> str:
    """Check that a run noticed the damage, or made its result without it; return the outcome."""
    if answer.status:
        expected = 1 if kind == "pushed model" else 2
        assert answer.status == expected
        assert is_named(file, answer.text), "a refusal names the file"
        return "refused"
    check_result(finished)
    used = [
        uri
        for uris in read_newest_run(connect_to_metadata(str(finished.output))).artifacts.values()
        for uri in uris
    ]
    executed = list_executed(answer.text)
    if any(str(file).startswith(f"{uri}/") for uri in used):
        raise AssertionError("the run used the damaged file")
    if executed:
        return f"recomputed from {executed[0]} on"
    if kind in UNREAD:
        return "not read"
    if kind in REPLACED:
        assert not file.exists()
        return "written anew"
    assert is_named(file, answer.text), "a warning names the file"
    return "warned, not used"


def check_result(finished: Finished) -> None:
    """Check that the newest run has the results of the first."""
    first = json.loads((finished.copy / "latest" / "metrics.json").read_text())
    for key in ("accuracy", "classes", "confusion_matrix", "blessed", "data_fingerprint"):
        assert finished.metrics[key] == first[key], key
    assert (finished.output / "latest" / "report.html").read_text().rstrip().endswith("</html>")
    assert find_damage(finished.metrics["pushed_to"]) == ""
    ids = [
        json.loads((model / "assets.extra" / "model.json").read_text())["model_id"]
        for model in (
            Path(finished.metrics["pushed_to"]),
            finished.copy / Path(finished.pushed_to).relative_to(finished.output),
        )
    ]
    assert ids[0] == ids[1], "the weights are the same to the bit"


def check_lists(finished: Finished, file: Path) -> None:
    """Check that the first run is listed, and its report found, as before; or the file is named."""
    runs, report = finished.call("runs"), finished.call("report", "--run=1")
    for answer in (runs, report):
        assert "Traceback" not in answer.text
        assert answer.status in (0, 2)
    listed = runs.status == 0 and finished.row in runs.text.splitlines()
    assert listed or is_named(file, runs.text), runs.text
    if report.status:
        assert is_named(file, report.text), report.text
    else:
        # A warning about another file may precede it.
        assert report.text.endswith(finished.page)
        page = Path(finished.page.strip())
        assert page.read_bytes() == (finished.copy / page.relative_to(finished.output)).read_bytes()


def check_trials(finished: Finished, file: Path) -> str:
    """Check that a search with one more trial repeats the one whose result is damaged."""
    answer = finished.call(*finished.command, "--trials=3")
    assert answer.status in (0, 3), answer.text
    assert f"{file} is damaged. The trial is repeated." in answer.text
    return "recomputed: the trial"


def check_statistics(finished: Finished) -> str:
    """Check that data of another span would not be compared with damaged statistics."""
    folder = finished.output / "accepted_statistics"
    with pytest.raises(InvalidData, match=f"^{folder}/span-1/.* is empty or damaged"):
        AcceptedStatistics(str(folder)).read(1)
    return "warned, not used"


def try_damage(finished: Finished, file: Path, how: Callable[[bytes], bytes]) -> str:
    """Damage a file, use all commands, and restore it; return the outcome."""
    kind = find_kind(file, finished.output)
    damage(file, how)
    try:
        if kind == "results of trials":
            return check_trials(finished, file)
        if kind == "accepted statistics":
            return check_statistics(finished)
        answer = finished.call(*finished.command)
        assert "Traceback" not in answer.text, answer.text
        try:
            outcome = check_run(finished, file, kind, answer)
            check_lists(finished, file)
        except AssertionError as error:
            raise AssertionError(f"{error}\nstatus {answer.status}\n{answer.text}") from error
        return outcome
    finally:
        finished.restore()


def print_summary(outcomes: Iterable[tuple[str, str, str]]) -> None:
    """Print a table: for each kind of file the damages and the outcomes, with their numbers."""

    def count(names: list[str]) -> str:
        return ", ".join(f"{number} {name}" for name, number in sorted(Counter(names).items()))

    print("\n| files | damage | outcome |\n|---|---|---|")
    rows = list(outcomes)
    for kind in dict.fromkeys(kind for kind, *_ in rows):
        hows, results = zip(*(row[1:] for row in rows if row[0] == kind), strict=True)
        print(f"| {kind} | {count(hows)} | {count(results)} |")


@pytest.mark.slow
def test_a_damaged_report_and_a_damaged_record_are_refused_by_name(run):
    for pattern, command in (
        ("artifacts/Report/report/*/metrics.json", ["report", "--run=1"]),
        ("metadata.sqlite", ["runs"]),
    ):
        (file,) = run.output.glob(pattern)
        damage(file, flip)
        answer = run.call(*command)
        run.restore()
        assert answer.status == 2
        assert answer.text.startswith(f"Error: {file}")
        assert len(answer.text.splitlines()) == 1


@pytest.mark.slow
def test_a_trained_model_that_lost_a_bit_is_trained_again_to_the_same_weights(run):
    (file,) = run.output.glob("artifacts/Trainer/model/*/Format-Serving/variables/variables.data*")
    assert try_damage(run, file, flip) == "recomputed from Trainer on"


@pytest.mark.slow
def test_a_pushed_model_that_lost_a_bit_is_not_called_pushed(run):
    (file,) = run.output.glob("serving/*/variables/variables.data*")
    assert try_damage(run, file, flip) == "refused"


@pytest.mark.faults
def test_no_command_uses_any_damaged_file(search):
    files = sorted(path for path in search.output.rglob("*") if path.is_file())
    chosen = [file for file in files if re.search(SELECTED, str(file.relative_to(search.output)))]
    outcomes, failures = [], []
    for number, file in enumerate(chosen, start=1):
        # Which damage is a matter of the place in the whole list.
        how = DAMAGES[files.index(file) % len(DAMAGES)] if file.stat().st_size else flip
        path = file.relative_to(search.output)
        try:
            outcome = try_damage(search, file, how)
        except AssertionError as error:
            outcome = "ACCEPTED"
            failures.append(f"{path}, {how.__name__}: {error}")
            print(failures[-1])
        outcomes.append((find_kind(file, search.output), how.__name__, outcome))
        now = time.strftime("%H:%M:%S")
        print(f"{now} {number:3}/{len(chosen)} {path} {how.__name__}: {outcome}", flush=True)
    print_summary(outcomes)
    assert not failures
