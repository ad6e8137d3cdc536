"""No secret is in anything that a command writes or prints."""

import subprocess
from pathlib import Path

import pytest

from data.simulation.dataset import simulate_dataset
from tests.end_to_end.support.pipeline_runs import COMMAND, run_pipeline, temporary_folder_of
from tests.kubeflow.compile_command import compile_arguments
from tests.kubeflow.fake_api_server import FakeApi, FakeApiServer

# A part of every secret.
CANARY = "Serinus"


@pytest.fixture(autouse=True)
def secrets_in_the_environment(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "DB_PASSWORD"):
        monkeypatch.setenv(name, f"{CANARY}{name}")


def call(*arguments) -> tuple[int, str]:
    """Run a command; return its exit status and everything that it printed."""
    finished = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, timeout=300)
    return finished.returncode, finished.stdout + finished.stderr


def find_canaries(*folders: Path) -> list[Path]:
    """Return the files whose name or content has a secret."""
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    assert files
    return [file for file in files if CANARY in str(file) or CANARY.encode() in file.read_bytes()]


@pytest.mark.slow
def test_a_package_and_its_submission_show_no_secret(tmp_path):
    file = tmp_path / "package.yaml"
    status, printed = call(
        *compile_arguments(file, "--set=kubeflow.env.TZ=UTC"),
        "--set=kubeflow.secrets={DB_PASSWORD: store/password}",
        "--debug",
    )
    assert (status, CANARY in printed, find_canaries(tmp_path)) == (0, False, [])
    with FakeApiServer(FakeApi(token=f"{CANARY}Token")) as api:
        for token, expected in (("Token", 0), ("WrongToken", 1)):
            status, printed = call(
                "submit", file, f"--host={api.url}", f"--token={CANARY}{token}", "--debug"
            )
            assert (status, CANARY in printed) == (expected, False)


@pytest.mark.slow
@pytest.mark.parametrize(
    "setting",
    [
        f"kubeflow.env.DB_PASSWORD={CANARY}",
        f"kubeflow.env.PROXY=http://ada:{CANARY}@proxy",
        f"kubeflow.secrets.DB_PASSWORD={CANARY}",
        f"beam.args=[--token={CANARY}]",
    ],
)
def test_a_package_with_a_secret_is_refused_without_showing_it(tmp_path, setting):
    arguments = compile_arguments(tmp_path / "package.yaml", f"--set={setting}", "--debug")
    status, printed = call(*arguments)
    # The traceback that --debug adds has the command's code, but no value.
    assert (status, CANARY in printed, list(tmp_path.iterdir())) == (2, False, [])


@pytest.mark.long
def test_a_run_writes_and_prints_no_secret_of_its_environment_and_of_beams_options(
    tmp_path,
):
    simulate_dataset(tmp_path / "data", train=80, validation=40, height=32, width=32, workers=1)
    config = tmp_path / "secret.yaml"
    config.write_text(
        "height: 32\nwidth: 32\nepochs: 1\n"
        "thresholds: {accuracy: 0, class_precision: 0, class_recall: 0}\n"
        "beam.args:\n"
        "  - --runner=FnApiRunner\n"
        "  - --direct_running_mode=multi_processing\n"
        "  - --direct_num_workers=2\n"
        f"  - --s3_secret_access_key={CANARY}Key\n"
        f"  - --token\n  - {CANARY}Token\n"
        f"  - --unknown=https://ada:{CANARY}Password@host/\n"
    )
    output = tmp_path / "runs"
    run = run_pipeline(tmp_path / "data", output, "--debug", f"--config={config}")
    assert run.status == 0, run.text
    assert CANARY not in run.text
    assert find_canaries(output, temporary_folder_of(output)) == []
    shown = run.metrics["configuration"]["beam.args"]
    assert shown[3:] == [
        "--s3_secret_access_key=(hidden)",
        "--token",
        "(hidden)",
        "--unknown=https://(hidden)@host/",
    ]
    (log,) = (output / "logs").iterdir()
    # Beam got them: it names the options that it does not know.
    assert "Discarding unparseable args: ['--token', '(hidden)'" in log.read_text()
