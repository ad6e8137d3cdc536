"""The order of the tests, and where their temporary files go."""

import gc
from collections.abc import Iterator

import pytest

from pipeline.local.temporary_files import use_temporary_folder

# The longest files come first, so that none is left over at the end. The second file needs no
# shared run, so that its process is busy while another process makes the run.
_FIRST = (
    "tests/end_to_end/test_run.py",
    "tests/trainer/",
    "tests/end_to_end/test_refusals.py",
    "tests/end_to_end/",
    "tests/kubeflow/",
    "tests/components/",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first."""
    items.sort(key=lambda item: _rank(item.nodeid))


def pytest_collection_finish() -> None:
    """Exclude the million objects that imports made from every later garbage collection.

    PyArrow 10 also looks through all objects whenever it has read a chunk of CSV.
    """
    gc.freeze()


def _rank(nodeid: str) -> int:
    return next((i for i, path in enumerate(_FIRST) if nodeid.startswith(path)), len(_FIRST))


@pytest.fixture(scope="session", autouse=True)
def temporary_folder(tmp_path_factory) -> Iterator[None]:
    """TensorFlow and Beam leave hundreds of files wherever temporary files go."""
    # The files of failed tests stay, so pytest's own folder must not be inside this one.
    tmp_path_factory.getbasetemp()
    with use_temporary_folder():
        yield
