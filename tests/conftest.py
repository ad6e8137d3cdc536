"""Temporary files of the tests, in a folder that goes with them."""

from collections.abc import Iterator

import pytest

from pipeline.local.temporary_files import own_temporary_folder


@pytest.fixture(scope="session", autouse=True)
def temporary_folder(tmp_path_factory) -> Iterator[None]:
    """TensorFlow and Beam leave hundreds of files wherever temporary files go."""
    # What failed tests have written is to stay, so pytest's own folder is not to be in this one.
    tmp_path_factory.getbasetemp()
    with own_temporary_folder():
        yield
