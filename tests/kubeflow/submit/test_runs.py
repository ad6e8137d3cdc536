"""What a submission runs, and what it refuses before it sends anything."""

import pytest
import yaml

from tests.kubeflow.submit.packages import SPEC, with_required


def test_parameters_arrive_with_their_types_and_with_the_root(submit, api, package):
    values = (
        "data=s3://bucket/a=b",
        "epochs=20",
        "rate=1e-2",
        "warm_start=true",
        'classes=["noise", "pulse"]',
        'schedule={"kind": "cosine"}',
    )
    options = [f"--param={value}" for value in values]
    root = "minio://mlpipeline/v2/artifacts"
    status, _, err = submit(package, "--host", api.url, "--root", root, *options)
    assert (status, err) == (0, "")
    assert api.runs[0]["runtime_config"] == {
        "parameters": {
            "data": "s3://bucket/a=b",
            "epochs": 20,
            "rate": 0.01,
            "warm_start": True,
            "classes": ["noise", "pulse"],
            "schedule": {"kind": "cosine"},
        },
        "pipeline_root": root,
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--param", "epoch=3"], 'There is no parameter "epoch". Did you mean "epochs"?'),
        (["--param", "epochs"], '--param epochs: write it as "name=value".'),
        (["--param", "epochs=3.5"], 'The parameter "epochs" is a whole number, not "3.5".'),
        (["--param", "rate=fast"], 'The parameter "rate" is a number, not "fast".'),
        (["--param", "rate=nan"], 'The parameter "rate" is a number, not "nan".'),
        (["--param", "warm_start=yes"], 'is true or false, not "yes".'),
        (["--param", "classes=noise"], 'The parameter "classes" is a list in JSON'),
        (["--param", "schedule=[1]"], 'The parameter "schedule" is an object in JSON'),
        (["--param", "epochs=3", "--param", "epochs=4"], '"epochs" is given twice.'),
        (["--root", "/data"], "--root /data is none of minio://, s3://, gs://"),
        (["--cron", "0 0 2 * * *"], 'Leave out the first, the seconds: "0 2 * * *".'),
        (["--cron", "daily"], '--cron "daily" does not have five fields.'),
        (["--cron", "60 2 * * *"], "minute: 60 is not between 0 and 59."),
        (["--cron", "0 2 * * 7"], "day of the week: 7 is not between 0 and 6; Sunday is 0."),
        (["--cron", "0 2 * * mo"], '"mo" is not a number or one of sun, mon, tue'),
        (["--cron", "0 9-5 * * *"], 'hour: "9-5" runs backwards.'),
        (["--cron", "*/0 * * * *"], 'minute: the step "0" is not a whole number above 0.'),
        (["--replace"], "--replace is about a recurring run: add --cron."),
        (["--max-concurrency", "2"], "--max-concurrency is about a recurring run: add --cron."),
        (["--upload-only", "--cron", "0 2 * * *"], "so it does not go with --cron."),
    ],
)
def test_wrong_options_are_refused_before_anything_is_sent(submit, api, package, options, message):
    status, out, err = submit(package, "--host", api.url, *options)
    assert (status, out) == (2, "")
    assert message in err
    assert api.requests == []


def test_a_parameter_without_a_default_needs_a_value(submit, api, tmp_path):
    package = with_required(tmp_path, "data")
    status, _, err = submit(package, "--host", api.url)
    assert status == 2
    assert "parameters without a default value: add --param data=..." in err
    assert api.requests == []
    assert submit(package, "--host", api.url, "--param", "data=gs://x")[0] == 0


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent.yaml", None, "absent.yaml does not exist. Make one with radio-signals compile."),
        ("package.json", "{}", "package.json has to end in .yaml or .yml."),
        ("a.yaml", "a: [1", "a.yaml, line 1: this is not YAML."),
        ("a.yaml", "epochs: 3\n", "a.yaml is not a package of Kubeflow Pipelines."),
        ("a.yaml", "pipelineSpec: {}\n", "a.yaml is a job for Vertex AI"),
        ("a.yaml", "kind: Workflow\n", "a.yaml is a package of Kubeflow Pipelines 1"),
        (
            "a.yaml",
            yaml.safe_dump({**SPEC, "schemaVersion": "2.0.0"}),
            "a.yaml has schema version 2.0.0, but Kubeflow Pipelines accepts only 2.1.0.",
        ),
    ],
)
def test_a_file_that_is_not_a_package_is_refused_before_anything_is_sent(
    submit, api, tmp_path, name, content, message
):
    file = tmp_path / name
    if content is not None:
        file.write_text(content)
    status, out, err = submit(file, "--host", api.url)
    assert (status, out) == (2, "")
    assert message in err
    assert api.requests == []
