"""Leases: at most one process at a time works in a folder, on any machine and in any store.

A lease is a file in FOLDER/.lease, whose name has the time at which it expires. Whoever wants the
folder writes a lease and then lists the leases. If there is none but the own, the folder is held:
everybody who comes later finds the file. If there is another, the own one is withdrawn. So two
that come at once may both withdraw, and try again after pauses of different lengths, but never do
both hold the folder.

That needs only what every store promises, namely that a list has every file that was written
before. Not all stores, nor all of their clients, can write a file only if it is absent.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from data.storage import files

_FOLDER = ".lease"
# Milliseconds since 1970 at which the lease expires, in as many digits until the year 2286.
_NAME = re.compile(r"(?P<expiry>\d{13})-[0-9a-f]{32}\.json")
_ATTEMPTS = 5
_LONGEST_PAUSE_SECONDS = 2.0


class LeaseHeldError(Exception):
    """Another process holds the lease of a folder. The message names it, and the remedy."""


@contextmanager
def hold_lease(folder: str, holder: str, seconds: float, identity: str = "") -> Iterator[None]:
    """Hold the lease of a folder, until the `with` block ends or the time is up.

    The lease of a process that was killed expires, and is then taken over. A process that works for
    longer than its lease may find that it was.

    Args:
      folder: a local folder, or the address of one in a store. It need not exist.
      holder: who takes the lease, in words that its user recognises.
      seconds: how long it is valid; much longer than the work takes, and than the clocks of the
        machines differ.
      identity: random text of a holder that never takes two leases at once, also not in two
        processes. A lease with the same identity was left by a killed process and is taken over.

    Raises:
      LeaseHeldError: another process holds the lease, also after some seconds.
      OSError: the store does not answer.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        own = _write_lease(folder, holder, seconds, identity)
        try:
            other = _find_other(folder, own, identity)
            if not other:
                yield
                return
        finally:
            with suppress(FileNotFoundError):  # expired, and taken over
                files.remove_file(own)
        if attempt < _ATTEMPTS:
            time.sleep(random.uniform(0, _LONGEST_PAUSE_SECONDS))  # noqa: S311 # nosec B311
    raise LeaseHeldError(_describe(folder, other))


def _write_lease(folder: str, holder: str, seconds: float, identity: str) -> str:
    now = time.time()
    name = f"{int((now + seconds) * 1000):013d}-{uuid.uuid4().hex}.json"
    path = files.join(folder, _FOLDER, name)
    content = {"holder": holder, "identity": identity, "since": now, "until": now + seconds}
    files.write_file(path, json.dumps(content))
    return path


def _find_other(folder: str, own: str, identity: str) -> str:
    """Return another's valid lease, or an empty string. Remove those of the dead."""
    leases = files.join(folder, _FOLDER)
    for name in files.list_folder(leases):
        path = files.join(leases, name)
        match = _NAME.fullmatch(name)
        if not match or path == own:
            continue
        with suppress(FileNotFoundError):  # it was just withdrawn
            is_valid = int(match["expiry"]) > time.time() * 1000
            if is_valid and not (identity and _read_identity(path) == identity):
                return path
            files.remove_file(path)
    return ""


def _read_identity(lease: str) -> str:
    return str(json.loads(files.read_text(lease)).get("identity"))


def _describe(folder: str, lease: str) -> str:
    try:
        content = json.loads(files.read_text(lease))
    except FileNotFoundError:
        return f"{folder} was in use until now. Try again."
    since, until = (
        dt.datetime.fromtimestamp(content[key], dt.timezone.utc).isoformat(" ", "seconds")
        for key in ("since", "until")
    )
    return (
        f"{folder} is in use by {content['holder']} since {since}, until {until} at the latest. "
        f"Wait for it. If it has ended without removing {lease}, remove that file."
    )
