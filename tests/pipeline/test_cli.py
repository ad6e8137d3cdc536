"""The command line: help, quick refusals and exit statuses, in processes of their own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("radio-signals")


def radio_signals(*arguments, **options):
    return subprocess.run(
        [COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=300, **options
    )


def test_help_lists_the_commands():
    shown = radio_signals("--help")
    assert shown.returncode == 0
    for command in ("data", "run", "tune", "runs", "report", "tensorboard", "compile", "submit"):
        assert f"\n  {command} " in shown.stdout


@pytest.mark.parametrize(
    "module", ["tensorflow", "tfx", "numpy", "pandas", "pyarrow", "matplotlib"]
)
def test_help_loads_nothing_heavy(module):
    code = (
        "import sys; from pipeline.cli.main import cli; "
        "cli(['run', '--help'], standalone_mode=False); "
        f"sys.exit({module!r} in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_defaults_in_the_help_are_those_of_the_configuration():
    from pipeline.cli.main import run, tune
    from pipeline.config.config import Config

    shown = {
        option.name: option.help.partition("[default: ")[2].rstrip("]")
        for option in run.params
        if "[default: " in option.help
    }
    reading = {"format", "max_bad_rows"}
    assert set(shown) == {"output", "model", "epochs", "batch_size", "seed"} | reading
    config = Config()
    assert shown == {
        name: str(getattr(config.input if name in reading else config, name)) for name in shown
    }
    (trials,) = (option for option in tune.params if option.name == "trials")
    assert f"[default: {config.tuning.trials}]" in trials.help


def test_tune_has_every_option_of_run():
    from pipeline.cli.main import run, tune

    own = {option.name for option in tune.params} - {option.name for option in run.params}
    assert own == {"trials", "minutes", "trial_epochs"}
    assert len(tune.params) == len(run.params) + len(own)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run"], "No data folder is given: add --data DIR"),
        (["run", "--data", "nowhere"], "The data folder nowhere does not exist"),
        (["run", "--data", "x", "--set", "epoch=3"], 'Did you mean "epochs"?'),
        (["run", "--data", "x", "--epochs", "0"], "epochs: input should be greater than or equal"),
        (["run", "--data", "x", "--initial-weights", "w.h5"], "initial_weights: the file w.h5"),
        (["tune", "--data", "x", "--trials", "0"], "tuning.trials: input should be greater than"),
        (
            ["tune", "--data", "x", "--set", "tuning.algorithm=grid"],
            "it is one of bayesian, random",
        ),
        (["run", "--modle", "compact"], "No such option"),
        (["report", "--output", "nowhere"], "nowhere holds no runs"),
        (["tensorboard", "--output", "nowhere"], "nowhere does not exist. Run the pipeline into"),
        (["data", "simulate", "d", "--train", "2"], "fewer than the 4 classes"),
        (["data", "simulate", "d", "--classes", "noise,pulsar"], "Cannot simulate class 'pulsar'"),
        (["data", "simulate", "d", "--height", "0"], "height must be 1 or greater. Received: 0"),
        (["data", "show", "nowhere"], "nowhere"),
        (["data", "check", "nowhere"], "The data folder nowhere does not exist"),
        (["data", "check", "x", "--set", "input.values=grey"], "input.values: it is one of auto"),
        (["data", "check", "x", "--max-bad-rows", "-1"], "input.max_bad_rows: input should be"),
    ],
)
def test_wrong_usage_is_refused_in_a_sentence_with_status_2(tmp_path, arguments, message):
    refused = radio_signals(*arguments, cwd=tmp_path)
    assert refused.returncode == 2
    assert message in refused.stderr
    assert "Traceback" not in refused.stderr + refused.stdout
    assert list(tmp_path.iterdir()) == [], "nothing was started"


def test_simulate_writes_a_data_set_and_will_not_overwrite_it(tmp_path):
    arguments = ["data", "simulate", "d", "--train", "8", "--validation", "4", "--workers", "1"]
    made = radio_signals(*arguments, cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert "8 training and 4 validation images, simulated (preset basic, seed 0)" in made.stdout
    assert len((tmp_path / "d" / "train" / "labels.csv").read_text().splitlines()) == 8
    assert radio_signals(*arguments, cwd=tmp_path).returncode == 2
    assert radio_signals(*arguments, "--overwrite", cwd=tmp_path).returncode == 0


def test_defaults_of_simulate_are_those_of_the_simulator():
    import inspect

    from data.simulation.dataset import simulate_dataset
    from pipeline.cli.main import simulate

    given = {
        option.name: option.default
        for option in simulate.params
        if getattr(option, "show_default", False)
    }
    assert len(given) == 7
    given["classes"] = tuple(given["classes"].split(","))
    parameters = inspect.signature(simulate_dataset).parameters
    assert given == {name: parameters[name].default for name in given}


def test_simulate_takes_classes_and_a_size(tmp_path):
    arguments = ["--train", "14", "--validation", "7", "--workers", "1", "--classes", "primary"]
    size = ["--height", "16", "--width", "32"]
    made = radio_signals("data", "simulate", "d", *arguments, *size, cwd=tmp_path)
    assert made.returncode == 0, made.stderr
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
    made = radio_signals("data", "simulate", "d", *arguments, cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    record = json.loads((tmp_path / "d" / "SIMULATED.json").read_text())
    assert record["classes"] == ["noise", "narrowband"]


def test_show_draws_a_gallery(tmp_path):
    import data

    sample = Path(data.__file__).parent / "sample"
    shown = radio_signals("data", "show", sample, "--output", tmp_path / "g.png", "--per-class", 1)
    assert shown.returncode == 0, shown.stderr
    assert (tmp_path / "g.png").read_bytes().startswith(b"\x89PNG")
