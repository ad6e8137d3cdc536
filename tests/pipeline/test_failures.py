"""What a user is told about an exception."""

import pytest
from grpc import FutureTimeoutError

from data.invalid import InvalidData
from pipeline.config.config import ConfigError
from pipeline.terminal.failures import FAILED, explain, refusal

SENTENCE = "train/images.csv, row 7: 5 values where 6 are expected."


def raised_from(cause: Exception) -> Exception:
    try:
        raise RuntimeError("the step failed") from cause
    except RuntimeError as error:
        return error


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(InvalidData(SENTENCE), id="as it is"),
        pytest.param(ConfigError(SENTENCE), id="configuration"),
        pytest.param(raised_from(InvalidData(SENTENCE)), id="behind another"),
        pytest.param(
            InvalidData(f"{SENTENCE} [while running 'InputToRecord[train]/FlatMap(_read_split)']"),
            id="with Beam's note",
        ),
        pytest.param(
            RuntimeError(
                "Traceback (most recent call last):\n  File ...\n"
                f"data.invalid.InvalidData: {SENTENCE} [while running 'FlatMap']\n"
            ),
            id="as text out of a worker",
        ),
    ],
)
def test_a_refusal_is_found_wherever_it_hides(error):
    assert refusal(error) == SENTENCE


def test_other_errors_are_not_refusals():
    assert refusal(raised_from(KeyError("x"))) is None


def test_a_job_server_that_does_not_answer_is_told_in_a_sentence():
    said = []
    status = explain(FutureTimeoutError(), said.append, log_file=None, debug=False)
    assert (status, said) == (
        FAILED,
        [
            "Error: Nothing answers at Beam's job endpoint. Start the job server, or correct "
            "--job_endpoint in --beam-args."
        ],
    )
