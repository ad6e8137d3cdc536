"""Options for Apache Beam."""

import pytest

from pipeline.beam_args import DIRECT_RUNNER, make_beam_args


@pytest.mark.parametrize(
    ("options", "passed_on"),
    [
        ("", [*DIRECT_RUNNER, "--sdk_container_image=none"]),
        ("--runner=FlinkRunner", ["--runner=FlinkRunner", "--sdk_container_image=none"]),
        ("--sdk_container_image=mine", ["--sdk_container_image=mine"]),
        ("--setup_file ./setup.py", ["--setup_file", "./setup.py"]),
    ],
)
def test_workers_of_beam_are_never_sent_a_copy_of_tfx(options, passed_on):
    assert make_beam_args(options.split()) == passed_on
