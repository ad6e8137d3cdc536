"""The image's lock, held against the project's own and against what the project depends on."""

import re
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_ROOT = Path(__file__).parents[2]
_PYTHONS = ("3.10", "3.11", "3.12", "3.13")


def _locked(file: str, python: str | None = None) -> dict[str, tuple[str, frozenset[str]]]:
    """Return version and hashes by package: what `file` installs on Linux by a Python."""
    environment = {"sys_platform": "linux", "platform_system": "Linux"}
    if python:
        environment |= {"python_version": python, "python_full_version": f"{python}.5"}
    packages = {}
    for entry in re.sub(r"\\\n", "", (_ROOT / file).read_text()).splitlines():
        if not entry or entry.lstrip().startswith("#"):
            continue
        requirement = Requirement(entry.split(" --hash=")[0])
        if requirement.marker is None or requirement.marker.evaluate(environment):
            name = canonicalize_name(requirement.name)
            assert name not in packages, f"{name} twice in {file}"
            hashes = frozenset(re.findall(r"--hash=(sha256:[0-9a-f]{64})", entry))
            packages[name] = str(requirement.specifier), hashes
    return packages


def _needed_by(package: str) -> set[str]:
    """Return every package that an installed one needs, itself excluded."""
    needed, waiting = set(), [(package, frozenset())]
    seen = set()
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        for text in metadata.requires(name) or ():
            requirement = Requirement(text)
            wanted = requirement.marker is None or any(
                requirement.marker.evaluate({"extra": extra}) for extra in (*extras, "")
            )
            if wanted:
                dependency = canonicalize_name(requirement.name)
                needed.add(dependency)
                waiting.append((dependency, frozenset(requirement.extras)))
    return needed


@pytest.mark.parametrize("python", _PYTHONS)
def test_the_image_has_the_versions_and_hashes_of_the_projects_lock(python):
    image, project = (
        _locked("requirements-image.lock", python),
        _locked("requirements.lock", python),
    )

    assert image.items() <= project.items()
    assert all(version.startswith("==") and hashes for version, hashes in image.values())


def test_the_image_has_all_that_the_project_needs_and_nothing_else():
    assert set(_locked("requirements-image.lock")) == _needed_by("radio-signals")


@pytest.mark.parametrize("python", _PYTHONS)
def test_tools_of_developers_and_notebook_servers_are_not_in_the_image(python):
    image = _locked("requirements-image.lock", python)
    tools = {"pytest", "ruff", "playwright", "livelossplot"}
    # TFX 1.16 depends on Jupyter; the image has TFX 1.21, which does not.
    servers = {"jupyterlab", "notebook", "nbclassic"} if python != "3.10" else set()

    assert tools | servers <= set(_locked("requirements.lock", python))
    assert not (tools | servers) & set(image)


@pytest.mark.parametrize("file", ["requirements.lock", "requirements-image.lock", "Dockerfile"])
def test_no_file_says_where_packages_are_downloaded(file):
    assert "://" not in (_ROOT / file).read_text()


def test_beams_boot_program_is_named_in_the_release_of_the_locked_beam():
    version = _locked("requirements-image.lock", "3.13")["apache-beam"][0].removeprefix("==")
    for file in ("Dockerfile", "docs/image.md", "docs/beam-runners.md"):
        tags = re.findall(r"apache/beam_python3\.13_sdk:([0-9.]+[0-9])", (_ROOT / file).read_text())
        assert set(tags) == {version}, file
