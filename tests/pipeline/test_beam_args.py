"""What Beam is told."""

import pytest

from pipeline.beam_args import DIRECT_RUNNER, beam_args


@pytest.mark.parametrize(
    ("given", "passed_on"),
    [
        ("", [*DIRECT_RUNNER, "--sdk_container_image=none"]),
        ("--runner=FlinkRunner", ["--runner=FlinkRunner", "--sdk_container_image=none"]),
        ("--sdk_container_image=mine", ["--sdk_container_image=mine"]),
        ("--setup_file ./setup.py", ["--setup_file", "./setup.py"]),
    ],
)
def test_beams_workers_are_never_sent_a_copy_of_tfx(given, passed_on):
    assert beam_args(given.split()) == passed_on
