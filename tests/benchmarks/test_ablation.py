"""The settings of the ablation's variants."""

import pytest

from benchmarks.ablation import BUILD_ARGUMENTS, VARIANTS, make_settings

CARD = {"classes": ["line", "noise"], "height": 32, "width": 64}


def test_the_first_variant_is_the_unchanged_compact():
    settings = make_settings(VARIANTS["compact"], CARD, epochs=3, seed=1)
    assert (settings.epochs, settings.seed, settings.batch_size) == (3, 1, 32)
    assert settings.augment.invert
    assert settings.augment.flip_time


def test_a_variant_changes_only_what_it_names():
    compact = make_settings({}, CARD, 3, 1)
    variant = make_settings(VARIANTS["no inversion"], CARD, 3, 1)
    assert variant.augment == compact.augment.model_copy(update={"invert": False})
    assert variant.schedule == compact.schedule


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [name for name, variant in VARIANTS.items() if variant.keys() & set(BUILD_ARGUMENTS)]
)
def test_a_variant_of_the_network_can_be_built_and_has_another_number_of_parameters(name):
    recipe = make_settings(VARIANTS[name], CARD, 3, 1).recipe
    compact = make_settings({}, CARD, 3, 1).recipe
    assert recipe.build(32, 64, 2).count_params() != compact.build(32, 64, 2).count_params()
