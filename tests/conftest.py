"""How the tests are divided among processes, and where their temporary files go."""

from collections.abc import Iterator

import pytest

from pipeline.local.temporary_files import use_temporary_folder

# The longest work begins first, so that no process has it left over at the end. The second entry
# needs no shared run, so that it is busy while another process makes that.
_FIRST = (
    "tests/end_to_end/test_run.py",
    "tests/trainer/",
    "tests/end_to_end/test_refusals.py",
    "tests/end_to_end/",
    "tests/kubeflow/",
    "tests/components/",
)


# First, because xdist reads the marks in the same hook.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file in one process, because they share its fixtures."""
    items.sort(key=lambda item: _rank(item.nodeid))
    for item in items:
        if not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


def _rank(nodeid: str) -> int:
    return next((i for i, path in enumerate(_FIRST) if nodeid.startswith(path)), len(_FIRST))


@pytest.fixture(scope="session", autouse=True)
def temporary_folder(tmp_path_factory) -> Iterator[None]:
    """TensorFlow and Beam leave hundreds of files wherever temporary files go."""
    # The files of failed tests stay, so pytest's own folder must not be inside this one.
    tmp_path_factory.getbasetemp()
    with use_temporary_folder():
        yield
