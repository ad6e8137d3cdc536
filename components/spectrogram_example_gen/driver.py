"""The driver of SpectrogramExampleGen: which span is the newest, and which data are the same."""

from __future__ import annotations

from tfx.components.example_gen import driver, utils

from components.spectrogram_example_gen.data_fingerprint import content_fingerprint
from components.spectrogram_example_gen.properties import inventory_of


class Driver(driver.Driver):
    """Makes the span and the content of its files part of what the cache goes by.

    TFX's own fingerprint is made of sizes and whole-second times. All files of the published format
    with as many rows have one size, and copying tools keep times, so different data could pass for
    the same; and the same data, copied or simulated again, for different.
    """

    def resolve_exec_properties(self, exec_properties, pipeline_info, component_info):
        """Adds span, version and fingerprint to the execution properties."""
        inventory = inventory_of(exec_properties)
        if inventory.span:
            # To the cache, a span is the same whether it was named or is the newest.
            exec_properties["wanted_span"] = inventory.span
        exec_properties[utils.SPAN_PROPERTY_NAME] = inventory.span
        exec_properties[utils.VERSION_PROPERTY_NAME] = None
        exec_properties[utils.FINGERPRINT_PROPERTY_NAME] = content_fingerprint(inventory)
        return exec_properties
