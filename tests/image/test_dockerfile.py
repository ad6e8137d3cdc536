"""The parts of the image that can be tested without a build; make test-image tests the rest."""

import os
import re
import subprocess
from pathlib import Path

_ROOT = Path(__file__).parents[2]


def test_everything_that_the_dockerfile_copies_exists_and_is_not_ignored():
    copied = re.findall(r"^COPY (?!--from)(?:--\S+ )?(.+) \S+$", _read("Dockerfile"), re.M)
    sources = {source for line in copied for source in line.split()}
    ignored, *exceptions = [
        line
        for line in _read(".dockerignore").splitlines()
        if line and not line.startswith(("#", "**"))
    ]

    assert all((_ROOT / source).exists() for source in sources)
    assert ignored == "*"
    assert sources == {line.removeprefix("!") for line in exceptions}


def test_every_package_of_our_own_is_in_the_image():
    packages = {
        folder.parent.name
        for folder in _ROOT.glob("*/__init__.py")
        if folder.parent.name not in ("tests", "benchmarks")
    }

    assert packages == {"components", "data", "pipeline", "trainer"}
    assert packages <= set(re.findall(r"^COPY (\w+) /src/\w+$", _read("Dockerfile"), re.M))


def test_an_image_is_not_built_without_a_base_image_that_is_named():
    assert re.search(r"^ARG BASE_IMAGE$", _read("Dockerfile"), re.M)
    environment = {name: value for name, value in os.environ.items() if name != "BASE_IMAGE"}
    build = subprocess.run(
        ["sh", str(_ROOT / "scripts/build-image.sh")],
        env={**environment, "TOOL": "echo"},
        capture_output=True,
        text=True,
    )
    assert (build.returncode, build.stdout) == (1, "")
    assert build.stderr.startswith(
        "No image built: BASE_IMAGE is missing. Name the base image with its digest, for example "
        "BASE_IMAGE=python:3.13-slim-trixie@sha256:..."
    )


def test_the_image_runs_the_command_line(tmp_path):
    process = _run_entry_point(tmp_path, "run", "--data", "my data")

    assert (process.returncode, process.stdout) == (0, "<run><--data><my data>\n")


def test_a_worker_that_a_beam_runner_starts_needs_beams_boot_program(tmp_path):
    process = _run_entry_point(tmp_path, "--id=1-1", "--provision_endpoint=localhost:4000")

    assert process.returncode == 2
    assert "build it with BEAM_BOOT" in process.stderr


def test_a_worker_pool_starts_without_beams_boot_program(tmp_path):
    process = _run_entry_point(tmp_path, "--worker_pool")

    assert process.stdout == (
        "<-m><apache_beam.runners.worker.worker_pool_main><--service_port><50000>\n"
    )


def _read(file: str) -> str:
    return (_ROOT / file).read_text()


def _run_entry_point(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run the image's entry point with programs in place of `radio-signals` and `python` that print
    their arguments.
    """
    for name in ("radio-signals", "python"):
        program = folder / name
        program.write_text('#!/bin/sh\nprintf "<%s>" "$@"\necho\n')
        program.chmod(0o755)
    return subprocess.run(
        ["sh", str(_ROOT / "scripts/image-entry.sh"), *arguments],
        env={"PATH": f"{folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
