"""`show_statistics`: TFDV's statistics for people to look at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd
from markupsafe import Markup
from tensorflow_data_validation.utils.display_util import get_statistics_html
from tensorflow_metadata.proto.v0 import statistics_pb2

from components.views.resources import template, text

_NUMBERS = ("mean", "std_dev", "min", "median", "max")


def show_statistics(
    statistics: Mapping[str, statistics_pb2.DatasetFeatureStatisticsList],
) -> StatisticsView:
    """Return a view of one or two data sets' statistics, for a notebook to display.

    It has two parts. The tables need neither script nor network. Below them is TFDV's view, which
    comes from the internet; where it cannot be had, there is nothing in its place.

    Args:
      statistics: by the name of the data set.

    Raises:
      ValueError: there are more than two, or none.
    """
    if len(statistics) not in (1, 2):
        raise ValueError(f"TFDV compares two data sets, and not {len(statistics)}.")
    (left, *right) = statistics
    frame = get_statistics_html(
        statistics[left],
        statistics[right[0]] if right else None,
        lhs_name=left,
        rhs_name=right[0] if right else "",
    )
    numbers, texts = _tables(statistics)
    return StatisticsView(numbers, texts, frame)


@dataclass(frozen=True)
class StatisticsView:
    """Statistics to be looked at. A notebook displays them as the last value of a cell.

    Attributes:
      numbers: a row a numeric feature and data set.
      texts: a row a feature of text and data set.
      tfdv: what TFDV would display.
    """

    numbers: pd.DataFrame
    texts: pd.DataFrame
    tfdv: str = field(repr=False)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        tables = [table for table in (self.numbers, self.texts) if len(table)]
        style = {"float_format": "{:.4f}".format}
        page = template("statistics.html").render(
            tables=[Markup(table.to_html(border=0, **style)) for table in tables],
            frame=self._document() + Markup("<script>" + text("statistics_frame.js") + "</script>"),
        )
        plain = "\n\n".join(table.to_string(**style) for table in tables)
        return {"text/html": page, "text/plain": plain}

    def _document(self) -> str:
        """What TFDV's script would put into a frame, which is half a screen high before that."""
        (document,) = re.findall(r"facets_html = '(.*)';", self.tfdv)
        return document.replace("<\\/", "</")


def _tables(
    statistics: Mapping[str, statistics_pb2.DatasetFeatureStatisticsList],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    numbers, texts = [], []
    for name, of_set in statistics.items():
        for feature in of_set.datasets[0].features:
            row = {"feature": feature.path.step[0], "data": name}
            if feature.HasField("num_stats"):
                row["images"] = feature.num_stats.common_stats.num_non_missing
                row |= {key: getattr(feature.num_stats, key) for key in _NUMBERS}
                numbers.append(row)
            else:
                row["images"] = feature.string_stats.common_stats.num_non_missing
                row["different"] = feature.string_stats.unique
                row["most frequent"] = ", ".join(
                    f"{value.value} ({value.frequency:.0f})"
                    for value in feature.string_stats.top_values
                )
                texts.append(row)
    return _by_feature(numbers), _by_feature(texts)


def _by_feature(rows: list[dict]) -> pd.DataFrame:
    if not rows:
        return pd.DataFrame()
    return pd.DataFrame(rows).set_index(["feature", "data"]).sort_index(kind="stable")
