"""`show_statistics`: shows TFDV's statistics in a notebook."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from tensorflow_data_validation.utils.display_util import get_statistics_html
from tensorflow_metadata.proto.v0.statistics_pb2 import (
    DatasetFeatureStatisticsList,
    FeatureNameStatistics,
)

from components.views.resources import load_template, read_script

_NUMERIC_COLUMNS = ("mean", "std_dev", "min", "median", "max")


def show_statistics(statistics: Mapping[str, DatasetFeatureStatisticsList]) -> StatisticsView:
    """Return a view of the statistics of one or two data sets, for a notebook to display.

    The view has tables, which need neither scripts nor network, and below them TFDV's own view.
    TFDV's view is loaded from the internet. Without a connection, its place stays empty.

    Args:
      statistics: statistics by the name of the data set.

    Raises:
      ValueError: there are more than two data sets, or none.
    """
    if len(statistics) not in (1, 2):
        raise ValueError(f"TFDV can show one or two data sets, not {len(statistics)}.")
    left, *right = statistics
    frame = get_statistics_html(
        statistics[left],
        statistics[right[0]] if right else None,
        lhs_name=left,
        rhs_name=right[0] if right else "",
    )
    numbers, texts = _build_tables(statistics)
    return StatisticsView(numbers, texts, frame)


@dataclass(frozen=True)
class StatisticsView:
    """A view of statistics. A notebook displays it as the last value of a cell.

    Attributes:
      numbers: one row for each numeric feature and data set.
      texts: one row for each text feature and data set.
      tfdv: the HTML that TFDV would display.
    """

    numbers: pd.DataFrame
    texts: pd.DataFrame
    tfdv: str = field(repr=False)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        tables = [table for table in (self.numbers, self.texts) if len(table)]
        script = f"<script>{read_script('statistics_frame.js')}</script>"
        page = load_template("statistics.html").render(
            tables=[table.to_html(border=0, float_format="{:.4f}".format) for table in tables],
            frame=self._tfdv_document() + script,
        )
        plain = "\n\n".join(table.to_string(float_format="{:.4f}".format) for table in tables)
        return {"text/html": page, "text/plain": plain}

    def _tfdv_document(self) -> str:
        """Return the document that TFDV's script puts into a frame.

        TFDV's own frame is half a screen high even when it is empty.
        """
        (document,) = re.findall(r"facets_html = '(.*)';", self.tfdv)
        text: str = document.replace("<\\/", "</")
        return text


def _build_tables(
    statistics: Mapping[str, DatasetFeatureStatisticsList],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a table of the numeric features and a table of the text features."""
    numbers, texts = [], []
    for data_set, data_set_statistics in statistics.items():
        for feature in data_set_statistics.datasets[0].features:
            labels = {"feature": feature.path.step[0], "data": data_set}
            if feature.HasField("num_stats"):
                numbers.append(labels | _describe_numbers(feature))
            else:
                texts.append(labels | _describe_texts(feature))
    return _index_by_feature(numbers), _index_by_feature(texts)


def _describe_numbers(feature: FeatureNameStatistics) -> dict[str, Any]:
    statistics = feature.num_stats
    return {
        "images": statistics.common_stats.num_non_missing,
        **{name: getattr(statistics, name) for name in _NUMERIC_COLUMNS},
    }


def _describe_texts(feature: FeatureNameStatistics) -> dict[str, Any]:
    statistics = feature.string_stats
    return {
        "images": statistics.common_stats.num_non_missing,
        "different": statistics.unique,
        "most frequent": ", ".join(
            f"{value.value} ({value.frequency:.0f})" for value in statistics.top_values
        ),
    }


def _index_by_feature(rows: list[dict[str, Any]]) -> pd.DataFrame:
    if not rows:
        return pd.DataFrame()
    return pd.DataFrame(rows).set_index(["feature", "data"]).sort_index(kind="stable")
