"""The pages of the documentation: each can be reached, and everything they refer to exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "data/*.md", "deploy/**/*.md")
    for path in ROOT.glob(pattern)
)
# A file that docs/adding-a-model.md tells the reader to write, and a folder inside a pod.
NOT_IN_THIS_REPOSITORY = {"trainer/models/separable.py", "data/span-N"}

LINK = re.compile(r"(?<!`)\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
PATH = re.compile(
    r"(?:\.ci|benchmarks|components|data|deploy|docs|notebooks|pipeline|scripts|tests|trainer)"
    r"/(?:[\w.-]+/)*[\w.-]*"
)
MODULE = re.compile(r"(?:components|data|pipeline|tests|trainer)(?:\.\w+)+")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def relative_links(page: Path) -> list[str]:
    return [target for target in LINK.findall(page.read_text()) if "://" not in target]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, in the form that code hosts give them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def exists(module: str) -> bool:
    """Return whether a dotted name is a module, or a name within one."""
    path = ROOT.joinpath(*module.split("."))
    files = (path.parent.with_suffix(".py"), path.parent / "__init__.py")
    return (
        path.is_dir()
        or path.with_suffix(".py").is_file()
        or any(file.is_file() and path.name in file.read_text() for file in files)
    )


@pytest.mark.parametrize("index", ["README.md", "docs/README.md"])
def test_every_page_of_the_documentation_is_linked_from(index):
    page = ROOT / index
    linked = {page.parent.joinpath(target).resolve() for target in relative_links(page)}

    assert set(ROOT.glob("docs/*.md")) - linked - {ROOT / "docs/README.md"} == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_to_a_file_and_a_heading(page):
    for target in relative_links(page):
        file, _, anchor = target.partition("#")
        linked = page.parent / file if file else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_and_module_that_a_page_names_exists(page):
    words = {word for code in CODE.findall(page.read_text()) for word in code.split()}
    paths = {word for word in words if PATH.fullmatch(word)} - NOT_IN_THIS_REPOSITORY
    modules = {word for word in words if MODULE.fullmatch(word)}

    assert {path for path in paths if not (ROOT / path).exists()} == set()
    assert {module for module in modules if not exists(module)} == set()


def test_the_architecture_describes_every_folder_of_our_packages():
    described = set(CODE.findall((ROOT / "docs/architecture.md").read_text()))
    folders = {
        f"{module.parent.relative_to(ROOT)}/"
        for package in ("components", "data", "pipeline", "trainer")
        for module in ROOT.glob(f"{package}/**/__init__.py")
    }

    assert folders - described == set()
