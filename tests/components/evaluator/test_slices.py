"""The slices of the evaluation."""

import pytest

from components.evaluator.slices import line_strength_range


@pytest.mark.parametrize(
    ("strength", "name"),
    [(0, "below 5"), (4.999, "below 5"), (5, "5 to 7"), (9.9, "7 to 10"), (10, "10 and more")],
)
def test_a_range_includes_its_lower_bound_and_excludes_its_upper_bound(strength, name):
    assert line_strength_range(strength) == name
