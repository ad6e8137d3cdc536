"""The files that every project has: they agree with each other."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


def read(file: str) -> str:
    return (ROOT / file).read_text()


VERSION = re.search(r'^version = "(.+)"$', read("pyproject.toml"), re.MULTILINE)[1]


@pytest.mark.parametrize(
    ("file", "pattern"),
    [
        ("CITATION.cff", r"^version: (\S+)$"),
        ("docs/image.md", r"radio-signals:(\d[\d.]*\d)"),
    ],
)
def test_every_file_that_names_the_version_names_the_same(file, pattern):
    assert set(re.findall(pattern, read(file), re.MULTILINE)) == {VERSION}


def test_the_changelog_has_the_version_and_the_date_of_the_citation():
    released = yaml.safe_load(read("CITATION.cff"))["date-released"]

    assert f"\n## [{VERSION}] - {released}\n" in read("CHANGELOG.md")


def test_the_licence_is_the_same_everywhere():
    assert "Apache License\n                           Version 2.0" in read("LICENSE")
    assert 'license = "Apache-2.0"' in read("pyproject.toml")
    assert yaml.safe_load(read("CITATION.cff"))["license"] == "Apache-2.0"
    assert "ARG LICENSES=Apache-2.0" in read("Dockerfile")


def test_a_commit_is_checked_by_what_make_lint_runs():
    (repository,) = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]

    assert repository["repo"] == "local"
    assert [hook["entry"] for hook in repository["hooks"]] == ["make lint"]
