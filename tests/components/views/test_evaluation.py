"""Views of evaluations."""

import pytest

from components.views.evaluation import show_evaluation


def test_no_evaluation_is_refused():
    with pytest.raises(ValueError, match="no evaluation"):
        show_evaluation({}, ["line", "noise"])
