"""Commands for Kubeflow Pipelines."""

from __future__ import annotations

from typing import Any

import click

from pipeline.cli.classify import threshold_option
from pipeline.cli.options import (
    FILE,
    config_options,
    debug_option,
    model_options,
    read_config,
    validation_fraction_option,
)

_image_option = click.option(
    "--image", required=True, help="Container image that every step runs in; see the Dockerfile."
)
_root_option = click.option(
    "--root", required=True, help="Bucket folder for artifacts: minio://, s3:// or gs://..."
)


@click.command("compile")
@click.argument("file", type=FILE)
@_image_option
@_root_option
@click.option(
    "--serving", required=True, help="Folder for pushed models: a path in a volume, or in a bucket."
)
@click.option("--data", required=True, help="Data folder: a path in a volume, or in a bucket.")
@model_options
@validation_fraction_option
@config_options
@debug_option(expose_value=False)
def compile_package(file: str, image: str, root: str, serving: str, **options: Any) -> None:
    """Compile the pipeline to a package for Kubeflow Pipelines.

    This writes FILE, a YAML file. Upload it with `radio-signals submit` or in the web interface of
    any installation. Each run can have its own data folder, model, epochs, learning rate and
    accuracy threshold.

    \b
    In the configuration, under kubeflow:
      resources      {default: {cpu: 2, memory: 8}, Trainer: {cpu: 4, memory: 16,
                     accelerator: nvidia.com/gpu}}    by step; memory in GB
      volumes        {/mnt/radio: CLAIM}              claims by mount path
      secrets        {NAME: SECRET/KEY}               environment variables from secrets
      env, node_selector, tolerations, retries, pull_policy, pull_secret
    """  # noqa: D301 - click does not wrap a paragraph that begins with \b
    from pipeline.terminal.console import discard_library_output

    config = read_config(**options)
    with discard_library_output():
        from pipeline.kubeflow.compile.compile_package import compile_to_file

        summary = compile_to_file(file, config, image, root, serving)
    click.echo(f"{file}: {summary}")


@click.command("compile-infer")
@click.argument("file", type=FILE)
@click.argument("folder", metavar="INPUT")
@click.option("--output", required=True, help="Folder for the Parquet files, as for INPUT.")
@click.option("--model", required=True, help="Folder of pushed models, as for INPUT.")
@threshold_option
@click.option(
    "--max-bad-rows",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Leave out up to this many bad rows instead of refusing the input.",
)
@_image_option
@_root_option
@config_options
@debug_option(expose_value=False)
def compile_infer(
    file: str,
    folder: str,
    image: str,
    root: str,
    config_file: str | None,
    settings: Any,
    **values: Any,
) -> None:
    """Compile `radio-signals infer` to a package for Kubeflow Pipelines.

    This writes FILE, a YAML file whose only step classifies INPUT with the newest blessed model:
    a file or folder in a volume, or in a bucket. Start it or schedule it with
    `radio-signals submit`; each run can have another input, output, model, threshold and number of
    bad rows. Answers that are in the output folder are replaced.

    The section kubeflow of the configuration is as for `radio-signals compile`; the resources of
    the step are those of RunInference, or default.

    \b
      radio-signals compile-infer nightly.yaml /mnt/radio/new --output /mnt/radio/classes
          --model /mnt/radio/serving --image IMAGE --root minio://mlpipeline/v2/artifacts
          --set kubeflow.volumes./mnt/radio=CLAIM
      radio-signals submit nightly.yaml --host URL --cron "0 6 * * *"
    """  # noqa: D301 - click does not wrap a paragraph that begins with \b
    from pipeline.terminal.console import discard_library_output

    config = read_config(config_file, settings)
    with discard_library_output():
        from pipeline.kubeflow.compile.compile_package import compile_inference_to_file

        summary = compile_inference_to_file(file, config, image, root, {"input": folder, **values})
    click.echo(f"{file}: {summary}")


@click.command()
@click.argument("package", metavar="FILE.yaml", type=FILE)
@click.option("--host", help="Address of Kubeflow Pipelines, such as http://localhost:8080.")
@click.option("--namespace", help="Your namespace, in a multi-user installation.")
@click.option("--token", help="Bearer token, if the installation requires one.")
@click.option(
    "--ca-cert", type=FILE, help="Certificate of an additional authority to trust, in PEM format."
)
@click.option("--pipeline-name", metavar="NAME", help="Pipeline name instead of the package's.")
@click.option(
    "--version",
    metavar="NAME",
    help="Name of this version of the pipeline.  [default: made from the package's content]",
)
@click.option(
    "--experiment",
    metavar="NAME",
    envvar="KF_PIPELINES_DEFAULT_EXPERIMENT_NAME",
    default="Default",
    show_default=True,
    help="Experiment that lists the run.",
)
@click.option(
    "--run-name", metavar="NAME", help="Name of the run.  [default: the pipeline's name and time]"
)
@click.option("--root", metavar="URI", help="Folder for artifacts: minio://, s3:// or gs://.")
@click.option(
    "--param",
    "parameters",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set one parameter of the package. Can be repeated.",
)
@click.option("--no-cache", is_flag=True, help="Run every step, even if nothing has changed.")
@click.option(
    "--cron",
    metavar="EXPRESSION",
    help="Schedule of a recurring run: minute, hour, day, month, weekday, in the time zone of "
    "the installation.",
)
@click.option(
    "--max-concurrency",
    type=click.IntRange(1, 10),
    help="Maximum number of recurring runs at the same time.  [default: 1]",
)
@click.option("--replace", is_flag=True, help="Replace the recurring run of the same name.")
@click.option(
    "--wait/--no-wait", default=True, help="Follow the run until it ends.  [default: wait]"
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Stop following the run after this time.",
)
@click.option("--upload-only", is_flag=True, help="Upload the package, but run nothing.")
@debug_option(expose_value=False)
def submit(
    package: str,
    host: str | None,
    namespace: str | None,
    token: str | None,
    ca_cert: str | None,
    no_cache: bool,
    **options: Any,
) -> None:
    """Upload a compiled package to Kubeflow Pipelines and run it.

    The command follows the run until it ends. The package becomes a version of its pipeline; a
    version that already exists is reused. Parameters are checked against the package before
    anything is sent.

    \b
      radio-signals submit package.yaml --host http://localhost:8080 --param epochs=20
      radio-signals submit package.yaml --host URL --cron "0 2 * * *" --replace

    \b
    Environment variables, as in kfp.Client:
      KF_PIPELINES_ENDPOINT        the address, unless --host gives it
      KF_PIPELINES_UI_ENDPOINT     the web interface, if it has another address
      KF_PIPELINES_SA_TOKEN_PATH   a file with the token, unless --token gives it; in a pod, the
                                   default is /var/run/secrets/kubeflow/pipelines/token
      KF_PIPELINES_DEFAULT_EXPERIMENT_NAME   the experiment, unless --experiment gives it
      KF_PIPELINES_IAP_OAUTH2_CLIENT_ID, KF_PIPELINES_APP_OAUTH2_CLIENT_ID and
      KF_PIPELINES_APP_OAUTH2_CLIENT_SECRET  for Google's Identity-Aware Proxy
    In a pod, address and namespace default to those of its own installation.

    Exit status: 0 succeeded, or submitted with --no-wait, --cron or --upload-only; 2 the package
    or an option refused; 130 stopped following the run; 1 the run failed, or any other failure.
    """  # noqa: D301 - click does not wrap a paragraph that begins with \b
    from pipeline.kubeflow.submit.submit_package import SubmitOptions, submit_package

    raise SystemExit(
        submit_package(
            package,
            SubmitOptions(cache=not no_cache, **options),
            host=host,
            namespace=namespace,
            token=token,
            ca_cert=ca_cert,
        )
    )
