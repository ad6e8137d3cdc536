"""Options for Apache Beam."""

import logging
import os

import pytest
from tfx.dsl.placeholder import placeholder

from pipeline.beam_args import DIRECT_RUNNER, make_beam_args, provide_secrets


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


def test_tfx_gets_the_environment_variable_that_has_an_option_with_a_secret():
    options = ["--runner=FlinkRunner", "--password=canary", "--token", "canary"]
    args = make_beam_args(options)
    assert [args[0], args[2], args[4]] == [options[0], options[2], "--sdk_container_image=none"]
    names = ["RADIO_SIGNALS_BEAM_OPTION_1", "RADIO_SIGNALS_BEAM_OPTION_3"]
    for name, arg in zip(names, (args[1], args[3]), strict=True):
        assert arg.encode() == placeholder.environment_variable(name).encode()
    with provide_secrets(options):
        assert [os.environ[name] for name in names] == ["--password=canary", "canary"]
    assert not [name for name in os.environ if name.startswith("RADIO_SIGNALS_BEAM")]


def test_log_lines_of_libraries_have_no_secret_while_the_steps_run(caplog):
    log = logging.getLogger("apache_beam.options")
    caplog.set_level(logging.WARNING, log.name)
    with provide_secrets(["--jdbc=postgres://ada:canary@db/x", "--token=cuckoo", "--key=a"]):
        log.warning("Discarding unparseable args: %s", ["--jdbc=postgres://ada:canary@db/x"])
        log.warning("token 'cuckoo', a runner")
    log.warning("cuckoo")
    assert caplog.messages == [
        "Discarding unparseable args: ['--jdbc=postgres://(hidden)@db/x']",
        "token '(hidden)', a runner",
        "cuckoo",
    ]
