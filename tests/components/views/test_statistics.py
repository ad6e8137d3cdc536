"""Views of data statistics."""

import html
import re

import pytest
from tensorflow_metadata.proto.v0.statistics_pb2 import (
    DatasetFeatureStatisticsList,
    FeatureNameStatistics,
)

from components.views.statistics import show_statistics


@pytest.fixture
def statistics():
    statistics = DatasetFeatureStatisticsList()
    features = statistics.datasets.add(name="train", num_examples=3).features
    brightness = features.add(type=FeatureNameStatistics.FLOAT)
    brightness.path.step.append("brightness")
    brightness.num_stats.common_stats.num_non_missing = 3
    brightness.num_stats.mean = 0.25
    class_name = features.add(type=FeatureNameStatistics.STRING)
    class_name.path.step.append("class_name")
    class_name.string_stats.common_stats.num_non_missing = 3
    class_name.string_stats.unique = 2
    class_name.string_stats.top_values.add(value="<noise>", frequency=2)
    return statistics


def test_numeric_and_text_features_have_a_table_each(statistics):
    view = show_statistics({"first": statistics, "second": statistics})
    assert view.numbers.loc[("brightness", "second"), "mean"] == 0.25
    assert view.texts.loc[("class_name", "first"), "most frequent"] == "<noise> (2)"
    shown = view._repr_mimebundle_(include=None, exclude=None)
    assert "0.2500" in shown["text/plain"]
    assert "&lt;noise&gt; (2)" in shown["text/html"]


def test_the_frame_holds_tfdvs_document_and_the_script_that_sets_its_height(statistics):
    page = show_statistics({"train": statistics})._repr_mimebundle_()["text/html"]
    (document,) = re.findall(r'srcdoc="([^"]*)"', page)
    document = html.unescape(document)
    assert document.index("facets-overview") < document.index("window.frameElement")
    assert document.endswith("</script>")


@pytest.mark.parametrize("names", [(), ("a", "b", "c")])
def test_only_one_or_two_data_sets_can_be_shown(statistics, names):
    with pytest.raises(ValueError, match=f"not {len(names)}"):
        show_statistics(dict.fromkeys(names, statistics))
