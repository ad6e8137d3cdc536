"""The image's lock, compared with the project's lock and with the project's dependencies."""

import re
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_ROOT = Path(__file__).parents[2]
_PYTHONS = ("3.10", "3.11", "3.12", "3.13")


def _read_lock(file: str, python: str | None = None) -> dict[str, tuple[str, frozenset[str]]]:
    """Return version and hashes of each package that `file` installs on Linux for a Python."""
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


def _list_dependencies(package: str) -> set[str]:
    """Return all direct and indirect dependencies of an installed package."""
    dependencies, pending = set(), [(package, frozenset())]
    seen = set()
    while pending:
        name, extras = pending.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        for text in metadata.requires(name) or ():
            requirement = Requirement(text)
            applies = requirement.marker is None or any(
                requirement.marker.evaluate({"extra": extra}) for extra in (*extras, "")
            )
            if applies:
                dependency = canonicalize_name(requirement.name)
                dependencies.add(dependency)
                pending.append((dependency, frozenset(requirement.extras)))
    return dependencies


@pytest.mark.parametrize("python", _PYTHONS)
def test_the_image_has_the_versions_and_hashes_of_the_projects_lock(python):
    image, project = (
        _read_lock("requirements-image.lock", python),
        _read_lock("requirements.lock", python),
    )

    assert image.items() <= project.items()
    assert all(version.startswith("==") and hashes for version, hashes in image.values())


def test_the_image_has_exactly_the_dependencies_of_the_project():
    assert set(_read_lock("requirements-image.lock")) == _list_dependencies("radio-signals")


@pytest.mark.parametrize("python", _PYTHONS)
def test_the_image_has_no_developer_tools_and_no_notebook_servers(python):
    image = _read_lock("requirements-image.lock", python)
    tools = {"pytest", "ruff", "playwright", "livelossplot"}
    # TFX 1.16 depends on Jupyter; the image has TFX 1.21, which does not.
    servers = {"jupyterlab", "notebook", "nbclassic"} if python != "3.10" else set()

    assert tools | servers <= set(_read_lock("requirements.lock", python))
    assert not (tools | servers) & set(image)


@pytest.mark.parametrize("file", ["requirements.lock", "requirements-image.lock", "Dockerfile"])
def test_no_file_contains_an_address_of_a_package_index(file):
    assert "://" not in (_ROOT / file).read_text()


def test_the_image_of_beams_boot_program_has_the_release_of_the_locked_beam():
    version = _read_lock("requirements-image.lock", "3.13")["apache-beam"][0].removeprefix("==")
    for file in ("Dockerfile", "docs/image.md", "docs/beam-runners.md"):
        tags = re.findall(r"apache/beam_python3\.13_sdk:([0-9.]+[0-9])", (_ROOT / file).read_text())
        assert set(tags) == {version}, file
