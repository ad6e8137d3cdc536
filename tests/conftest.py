"""Temporary files of the tests, in a folder that goes with them."""

from collections.abc import Iterator

import pytest

from pipeline.temporary_files import own_temporary_folder


@pytest.fixture(scope="session", autouse=True)
def temporary_folder() -> Iterator[None]:
    """TensorFlow and Beam leave hundreds of files wherever temporary files go."""
    with own_temporary_folder():
        yield
