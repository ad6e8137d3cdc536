"""What training is set to: the configuration over the model's own values."""

import pytest

from data.invalid import InvalidData
from trainer.settings import normalisation, resolve

GIVEN = {
    "classes": ["stripe", "nothing"],
    "height": 16,
    "width": 24,
    "epochs": 1,
    "batch_size": 8,
    "seed": 0,
}


@pytest.mark.parametrize(
    ("custom_config", "expected"),
    [
        ({"model": "compact"}, "image"),
        ({"model": "reference"}, "levels"),
        ({"model": "reference", "normalise": None}, "levels"),
        ({"model": "reference", "normalise": "image"}, "image"),
        ({}, "image"),
    ],
)
def test_a_model_s_own_normalisation_is_taken_unless_it_is_set(custom_config, expected):
    assert normalisation(custom_config) == expected


def test_the_reference_model_trains_on_grey_levels_without_inverting_them():
    settings = resolve({**GIVEN, "model": "reference"})
    assert settings.normalise == "levels"
    assert not settings.augment.get("invert")


def test_inverting_grey_levels_is_refused_with_the_remedy():
    with pytest.raises(InvalidData) as refused:
        resolve({**GIVEN, "model": "compact", "normalise": "levels"})
    assert str(refused.value) == (
        "augment.invert changes the sign of images whose mean is 0, and normalise is levels. "
        "Set normalise=image, or augment.invert=false."
    )
    settings = resolve(
        {**GIVEN, "model": "compact", "normalise": "levels", "augment": {"invert": False}}
    )
    assert settings.normalise == "levels"
