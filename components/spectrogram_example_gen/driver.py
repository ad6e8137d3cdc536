"""The driver of SpectrogramExampleGen: finds the newest span and fingerprints the data."""

from __future__ import annotations

from typing import Any

from tfx.components.example_gen import driver, utils

from components.spectrogram_example_gen.data_fingerprint import compute_data_fingerprint
from components.spectrogram_example_gen.properties import take_requested_inventory


class Driver(driver.Driver):
    """Makes the span and the content of its files part of the cache key.

    TFX's own fingerprint consists of sizes and of times in whole seconds. Files of the published
    format with equal numbers of rows have equal sizes, and copying tools keep times, so different
    data could pass for the same. Conversely, the same data, copied or simulated again, would pass
    for different data.
    """

    def resolve_exec_properties(self, exec_properties: dict[str, Any], *_: Any) -> dict[str, Any]:
        """Adds span, version and fingerprint to the execution properties."""
        inventory = take_requested_inventory(exec_properties)
        if inventory.span:
            # The cache key of a span is the same whether it was requested or is the newest.
            exec_properties["wanted_span"] = inventory.span
        exec_properties[utils.SPAN_PROPERTY_NAME] = inventory.span
        exec_properties[utils.VERSION_PROPERTY_NAME] = None
        exec_properties[utils.FINGERPRINT_PROPERTY_NAME] = compute_data_fingerprint(inventory)
        return exec_properties
