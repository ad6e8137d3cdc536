"""The messages that explain an exception to a user."""

import errno
import sqlite3

import pytest
from grpc import FutureTimeoutError

from data.invalid import InvalidData
from pipeline.config.config import ConfigError
from pipeline.terminal.failures import FAILED, REFUSED, explain, find_refusal

SENTENCE = "train/images.csv, row 7: 5 values where 6 are expected."


def raised_from(cause: Exception) -> Exception:
    try:
        raise RuntimeError("the step failed") from cause
    except RuntimeError as error:
        return error


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(InvalidData(SENTENCE), id="unchanged"),
        pytest.param(ConfigError(SENTENCE), id="configuration"),
        pytest.param(raised_from(InvalidData(SENTENCE)), id="as the cause of another error"),
        pytest.param(
            InvalidData(f"{SENTENCE} [while running 'InputToRecord[train]/FlatMap(_read_split)']"),
            id="with Beam's note",
        ),
        pytest.param(
            RuntimeError(
                "Traceback (most recent call last):\n  File ...\n"
                f"data.invalid.InvalidData: {SENTENCE} [while running 'FlatMap']\n"
            ),
            id="as text from a worker",
        ),
    ],
)
def test_a_refusal_is_found_anywhere_in_an_exception(error):
    assert find_refusal(error) == SENTENCE


def test_other_errors_are_not_refusals():
    assert find_refusal(raised_from(KeyError("x"))) is None


def test_a_job_server_that_does_not_answer_is_explained_in_a_sentence():
    shown = []
    status = explain(FutureTimeoutError(), shown.append, log_file=None, debug=False)
    assert status == FAILED
    assert shown == [
        "Error: Nothing answers at Beam's job endpoint. Start the job server, or correct "
        "--job_endpoint in --beam-args."
    ]


def test_an_unexpected_error_is_shown_by_its_first_line_and_the_log():
    shown = []
    status = explain(KeyError("x\ny"), shown.append, log_file="runs/logs/1.log", debug=False)
    assert status == FAILED
    assert shown == [
        "Error: 'x\\ny' (KeyError). The log has the details: runs/logs/1.log",
    ]


def test_the_traceback_is_shown_on_request():
    shown = []
    status = explain(raised_from(InvalidData(SENTENCE)), shown.append, log_file=None, debug=True)
    assert status == REFUSED
    assert "RuntimeError: the step failed" in shown[0]
    assert shown[1] == f"Error: {SENTENCE}"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "/runs/x"),
            "Error: /runs/x: no space is left on the disk. Free space, then run the same command "
            "again: it continues after the last finished step. `radio-signals prune` removes old "
            "runs.",
        ),
        (
            raised_from(sqlite3.OperationalError("database or disk is full")),
            "Error: No space is left on the disk. Free space, then run the same command again: it "
            "continues after the last finished step. `radio-signals prune` removes old runs.",
        ),
        (
            OSError(errno.EROFS, "Read-only file system", "/runs"),
            "Error: /runs: the file system is read-only. Give another folder, or make this one "
            "writable.",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "/runs"),
            "Error: /runs: this user may not read or write it. Change the rights, or give another "
            "folder.",
        ),
    ],
)
def test_a_full_disk_and_a_missing_right_are_explained_with_the_remedy(error, message):
    shown = []
    assert explain(error, shown.append, log_file="runs/logs/1.log", debug=False) == FAILED
    assert shown == [message]
