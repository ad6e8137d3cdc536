"""The installed command: help, quick refusals and exit statuses."""

import inspect
import json
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest

from data import seed_layout
from data.simulation.dataset import ImageKey, simulate_dataset, simulate_image
from data.spectrogram import RENDERINGS
from pipeline.cli.data import simulate
from pipeline.cli.main import main
from pipeline.cli.run import run, tune
from pipeline.config.config import Config

COMMAND = Path(sys.executable).with_name("radio-signals")


def radio_signals(*arguments, **options):
    return subprocess.run(
        [COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        **options,
    )


def defaults_in_help(command: click.Command) -> dict[str, str]:
    """Return the defaults that help texts name, by configuration key."""
    shown = {
        option.name.replace("__", "."): option.help.partition("[default: ")[2].rstrip("]")
        for option in command.params
    }
    return {key: default for key, default in shown.items() if default}


def configured(key: str) -> str:
    value = Config()
    for name in key.split("."):
        value = getattr(value, name)
    return str(value)


def test_help_lists_the_commands():
    shown = radio_signals("--help")
    assert shown.returncode == 0
    for command in ("data", "run", "tune", "runs", "report", "tensorboard", "compile", "submit"):
        assert f"\n  {command} " in shown.stdout


def test_help_answers_at_once_and_loads_nothing_heavy():
    code = (
        "import sys; from pipeline.cli.main import cli; "
        "cli(['run', '--help'], standalone_mode=False); print(*sys.modules, file=sys.stderr)"
    )
    help_run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    heavy = {"tensorflow", "tfx", "ml_metadata", "numpy", "pandas", "pyarrow", "matplotlib", "kfp"}
    assert heavy & set(help_run.stderr.split()) == set()


def test_the_module_of_the_command_can_be_run_as_well():
    help_run = subprocess.run(
        [sys.executable, "-m", "pipeline.cli.main", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert help_run.stdout == radio_signals("--help").stdout.replace(
        "radio-signals [OPTIONS]", "python -m pipeline.cli.main [OPTIONS]"
    )


def test_defaults_in_the_help_of_run_are_those_of_the_configuration():
    defaults = defaults_in_help(run)
    assert set(defaults) == {
        "output",
        "model",
        "epochs",
        "batch_size",
        "seed",
        "input.format",
        "input.max_bad_rows",
    }
    assert defaults == {key: configured(key) for key in defaults}


def test_tune_has_every_option_of_run_and_three_more():
    own = {option.name for option in tune.params} - {option.name for option in run.params}
    assert own == {"tuning__trials", "tuning__minutes", "tuning__epochs"}
    assert len(tune.params) == len(run.params) + len(own)
    assert defaults_in_help(tune)["tuning.trials"] == configured("tuning.trials")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run"], "No data folder is given: add --data DIR"),
        (["run", "--data", "nowhere"], "The data folder nowhere does not exist"),
        (["run", "--data", "x", "--set", "epoch=3"], 'Did you mean "epochs"?'),
        (
            ["run", "--data", "x", "--epochs", "0"],
            "epochs: it must be a whole number of at least 1",
        ),
        (["run", "--data", "x", "--initial-weights", "w.h5"], "initial_weights: the file w.h5"),
        (
            ["tune", "--data", "x", "--trials", "0"],
            "tuning.trials: it must be a whole number of at least 1",
        ),
        (
            ["tune", "--data", "x", "--set", "tuning.algorithm=grid"],
            "it must be one of bayesian, random",
        ),
        (["run", "--modle", "compact"], "No such option"),
        (["report", "--output", "nowhere"], "nowhere holds no runs"),
        (["tensorboard", "--output", "nowhere"], "nowhere does not exist. Run the pipeline into"),
        (["data", "simulate", "d", "--train", "2"], "fewer than the 4 classes"),
        (["data", "simulate", "d", "--classes", "noise,pulsar"], "Cannot simulate class 'pulsar'"),
        (["data", "simulate", "d", "--height", "0"], "height must be 1 or greater. Received: 0"),
        (["data", "show", "nowhere"], "nowhere"),
        (["data", "download", "d", "--url", "x", "--file", __file__], "exclude each other"),
        (["data", "download", "d", "--url", "x"], "x is not an address of a file on a server."),
        (["data", "download", "d", "--file", "x"], "File 'x' does not exist"),
        (["data", "convert", "a", "b"], "Missing option '--to'"),
        (["data", "convert", "nowhere", "b", "--to", "csv"], "The data folder nowhere does not"),
        (["data", "convert", ".", ".", "--to", "csv"], ". is the data folder, or holds it."),
        (["data", "check", "nowhere"], "The data folder nowhere does not exist"),
        (
            ["data", "check", "x", "--set", "input.values=grey"],
            "input.values: it must be one of auto",
        ),
        (
            ["data", "check", "x", "--validation-fraction", "1"],
            "input.validation_fraction: it must be a number of at least 0 and below 1.",
        ),
        (
            ["data", "show", "x", "--set", "input.colour_map=virdis"],
            'input.colour_map: Matplotlib has no colour map "virdis". Did you mean viridis?',
        ),
        (
            ["data", "check", "x", "--max-bad-rows", "-1"],
            "input.max_bad_rows: it must be a whole number",
        ),
    ],
)
def test_wrong_usage_is_refused_in_a_sentence_with_status_2(
    tmp_path, monkeypatch, capsys, arguments, message
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["radio-signals", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert "Traceback" not in shown.err + shown.out
    assert list(tmp_path.iterdir()) == [], "nothing was started"


def test_simulate_writes_a_data_set_and_will_not_overwrite_it(tmp_path):
    arguments = ["data", "simulate", "d", "--train", "8", "--validation", "4", "--workers", "1"]
    simulated = radio_signals(*arguments, cwd=tmp_path)
    assert simulated.returncode == 0, simulated.stderr
    assert "8 train + 4 validation images, simulated (preset basic, seed 0)" in simulated.stdout
    assert len((tmp_path / "d" / "train" / "labels.csv").read_text().splitlines()) == 8
    assert radio_signals(*arguments, cwd=tmp_path).returncode == 2
    assert radio_signals(*arguments, "--overwrite", cwd=tmp_path).returncode == 0


def test_defaults_of_simulate_are_those_of_the_simulator():
    defaults = {
        option.name: option.default
        for option in simulate.params
        if getattr(option, "show_default", False)
    }
    assert len(defaults) == 9
    defaults["classes"] = tuple(defaults["classes"].split(","))
    parameters = inspect.signature(simulate_dataset).parameters
    assert defaults == {name: parameters[name].default for name in defaults}


def test_simulate_takes_classes_and_a_size(tmp_path):
    arguments = ["--train", "14", "--validation", "7", "--workers", "1", "--classes", "primary"]
    size = ["--height", "16", "--width", "32"]
    simulated = radio_signals("data", "simulate", "d", *arguments, *size, cwd=tmp_path)
    assert simulated.returncode == 0, simulated.stderr
    record = json.loads((tmp_path / "d" / "SIMULATED.json").read_text())
    assert record["classes"] == [
        "brightpixel",
        "narrowband",
        "narrowbanddrd",
        "noise",
        "squarepulsednarrowband",
        "squiggle",
        "squigglesquarepulsednarrowband",
    ]
    assert (record["height"], record["width"]) == (16, 32)
    labels = (tmp_path / "d" / "train" / "labels.csv").read_text().splitlines()
    assert [len(label.split(",")) for label in labels] == [7] * 14
    shown = radio_signals("data", "show", "d", "--output", "g.png", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr


def test_simulate_takes_classes_by_name_in_the_order_given(tmp_path):
    arguments = ["--train", "4", "--validation", "2", "--classes", "noise, narrowband"]
    simulated = radio_signals("data", "simulate", "d", *arguments, cwd=tmp_path)
    assert simulated.returncode == 0, simulated.stderr
    record = json.loads((tmp_path / "d" / "SIMULATED.json").read_text())
    assert record["classes"] == ["noise", "narrowband"]
    assert record["rendering"] == "jet"


def test_simulate_offers_every_rendering():
    (option,) = (option for option in simulate.params if option.name == "rendering")
    assert list(option.type.choices) == list(RENDERINGS)


def test_simulate_renders_amplitudes_on_request(tmp_path):
    arguments = ["--train", "4", "--validation", "4", "--workers", "1"]
    rendering = ["--rendering", "amplitude"]
    simulated = radio_signals("data", "simulate", "d", *arguments, *rendering, cwd=tmp_path)
    assert simulated.returncode == 0, simulated.stderr
    record = json.loads((tmp_path / "d" / "SIMULATED.json").read_text())
    assert record["rendering"] == "amplitude"
    rows = np.loadtxt(tmp_path / "d" / "train" / "images.csv", delimiter=",")
    expected = simulate_image(ImageKey("train", "squiggle", 0), rendering="amplitude")
    np.testing.assert_allclose(rows[0], expected.ravel() / 255, atol=1e-6)


def test_show_draws_a_gallery(tmp_path):
    sample = Path(seed_layout.__file__).with_name("sample")
    shown = radio_signals("data", "show", sample, "--output", tmp_path / "g.png", "--per-class", 1)
    assert shown.returncode == 0, shown.stderr
    assert (tmp_path / "g.png").read_bytes().startswith(b"\x89PNG")
