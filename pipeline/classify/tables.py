"""Writes tables row by row: CSV, lines of JSON, Parquet.

A file appears when it is complete.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from data.invalid import InvalidData
from data.storage import files

if TYPE_CHECKING:
    import pyarrow as pa

Columns = Mapping[str, type]
"""Names of columns, with `str`, `int`, `float`, `bool` or `np.float32`."""

Append = Callable[[Sequence[Sequence[Any]]], None]
"""Appends rows, given by columns: values of each, None for no value."""

_ROWS_IN_GROUP = 1 << 16


def writing_table(path: str | None, columns: Columns) -> AbstractContextManager[Append]:
    """Open a table, whose format is that of the file's name; yield the function that appends.

    Args:
      path: the file; None for CSV on standard output.
      columns: of the table.
    """
    if path is None:
        return _writing_to_standard_output(columns)
    return _WRITERS[_find_ending(path)](path, columns)


def make_schema(columns: Columns) -> pa.Schema:
    """Return the columns as those of a Parquet file."""
    import numpy as np
    import pyarrow as pa

    types = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    types[np.float32] = pa.float32()
    return pa.schema([(name, types[kind]) for name, kind in columns.items()])


def check_name(path: str | None) -> None:
    """Refuse a file whose name ends with none of the formats.

    Raises:
      InvalidData: it does.
    """
    if path is not None:
        _find_ending(path)


def _find_ending(path: str) -> str:
    for ending in _WRITERS:
        if path.lower().endswith(ending):
            return ending
    raise InvalidData(
        f"{path} is no name of a table. Let it end with {', '.join(_WRITERS)}: CSV, lines of JSON "
        "or Parquet."
    )


@contextmanager
def _writing_to_standard_output(columns: Columns) -> Iterator[Append]:
    append = _append_csv(sys.stdout, columns)

    def append_now(values: Sequence[Sequence[Any]]) -> None:
        append(values)
        sys.stdout.flush()

    yield append_now


@contextmanager
def _writing_csv(path: str, columns: Columns) -> Iterator[Append]:
    with files.writing(path) as file:
        yield _append_csv(file, columns)


def _append_csv(file: Any, columns: Columns) -> Append:
    lines = csv.writer(file, lineterminator="\n")
    lines.writerow(columns)
    return lambda values: lines.writerows(zip(*values, strict=True))


@contextmanager
def _writing_json(path: str, columns: Columns) -> Iterator[Append]:
    import orjson

    options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
    with files.writing(path, "wb") as file:

        def append(values: Sequence[Sequence[Any]]) -> None:
            for row in zip(*values, strict=True):
                file.write(orjson.dumps(dict(zip(columns, row, strict=True)), option=options))

        yield append


@contextmanager
def _writing_parquet(path: str, columns: Columns) -> Iterator[Append]:
    import pyarrow as pa
    from pyarrow import parquet

    schema = make_schema(columns)
    with files.writing(path, "wb") as file, parquet.ParquetWriter(file, schema) as writer:
        waiting: list[pa.Table] = []

        def write() -> None:
            writer.write_table(pa.concat_tables(waiting))
            waiting.clear()

        def append(values: Sequence[Sequence[Any]]) -> None:
            arrays = [pa.array(each, kind) for each, kind in zip(values, schema.types, strict=True)]
            waiting.append(pa.Table.from_arrays(arrays, schema=schema))
            if sum(map(len, waiting)) >= _ROWS_IN_GROUP:
                write()

        yield append
        if waiting:
            write()


_WRITERS = {".csv": _writing_csv, ".jsonl": _writing_json, ".parquet": _writing_parquet}
