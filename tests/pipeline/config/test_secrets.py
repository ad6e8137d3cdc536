"""What counts as a secret, and what is shown instead of it."""

import pytest

from pipeline.config.config import ConfigError
from pipeline.config.loading import load_config
from pipeline.config.secrets import (
    dump_without_secrets,
    hide_secret_options,
    hide_secrets,
    is_secret_name,
)


@pytest.mark.parametrize(
    "name",
    [
        "DB_PASSWORD",
        "AWS_ACCESS_KEY_ID",
        "AWS_SESSION_TOKEN",
        "TOKEN2",
        "--s3-secret-access-key",
        "accountKey",
        "APIKey",
        "google.credentials",
    ],
)
def test_a_word_of_the_name_tells_a_secret(name):
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "TZ",
        "MONKEY",
        "KEYBOARD",
        "TOKENIZERS_PARALLELISM",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "--dataflow_kms_key",
        "PWD",
    ],
)
def test_other_names_and_names_of_files_are_no_secrets(name):
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://proxy:3128/?page=2", "http://proxy:3128/?page=2"),
        ("http://ada:can@ry@proxy:3128", "http://(hidden)@proxy:3128"),
        ("https://host/x?token=canary&page=2", "https://host/x?token=(hidden)&page=2"),
        (
            '{"command": "boot", "env": {"API_TOKEN": "can ary", "TZ": "UTC"}}',
            '{"command": "boot", "env": {"API_TOKEN": "(hidden)", "TZ": "UTC"}}',
        ),
        (r"{\"password\": \"canary\"}", r"{\"password\": \"(hidden)\"}"),
        ("Endpoint=x;AccountKey=canary==;Mode=y", "Endpoint=x;AccountKey=(hidden);Mode=y"),
        ("WORKERS@project.example", "WORKERS@project.example"),
    ],
)
def test_secrets_in_a_text_are_hidden_and_nothing_else(text, shown):
    assert hide_secrets(text) == shown


def test_options_of_beam_are_shown_without_their_secrets():
    args = "--runner=FlinkRunner --password=a,b;c --token canary --flink_master=http://u:p@f:8081"
    assert hide_secret_options(args.split()) == [
        "--runner=FlinkRunner",
        "--password=(hidden)",
        "--token",
        "(hidden)",
        "--flink_master=http://(hidden)@f:8081",
    ]
    flags = ["--enable_hot_key_logging", "--region=x"]
    assert hide_secret_options(flags) == flags


def test_a_configuration_is_stored_without_secrets():
    args = ["--runner=FlinkRunner", "--password=canary"]
    config = load_config(options={"beam.args": args, "kubeflow.env": {"TZ": "UTC"}})
    stored = dump_without_secrets(config)
    assert stored["beam"] == {"args": ["--runner=FlinkRunner", "--password=(hidden)"]}
    assert stored["kubeflow"]["env"] == {"TZ": "(hidden)"}
    others = config.model_dump(mode="json")
    for key in ("beam", "kubeflow"):
        del stored[key], others[key]
    assert stored == others
    assert config.beam.args == tuple(args), "the runner gets them"


@pytest.mark.parametrize("value", ["DB_PASSWORD: canary", "PROXY: 'http://ada:canary@proxy'"])
def test_an_environment_variable_with_a_secret_is_refused(value):
    name = value.partition(":")[0]
    with pytest.raises(ConfigError) as refusal:
        load_config(settings=(f"kubeflow.env={{{value}}}",))
    assert str(refusal.value) == (
        f"kubeflow.env: {name} may hold a secret, and a compiled package contains these values. "
        "Put the value into a Kubernetes secret and name that under kubeflow.secrets, as in "
        f"{name}: SECRET/KEY."
    )


@pytest.mark.parametrize(
    "setting",
    [
        "kubeflow.secrets={NAME: canary}",
        "kubeflow.secrets={NAME: CANARY/Canary/canary}",
        "kubeflow.env={NAME: [canary]}",
        "kubeflow.env=canary",
        "kubeflow.env.PASSWORD=[canary",
        "kubeflow.env.PASSWORD: canary",
        "kubeflow=canary",
        "beam.args=--password=canary",
        "beam=--password=canary",
    ],
)
def test_a_message_about_a_mistake_shows_no_secret(setting):
    with pytest.raises(ConfigError) as refusal:
        load_config(settings=(setting,))
    assert "canary" not in str(refusal.value)
