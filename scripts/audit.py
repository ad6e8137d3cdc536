"""Compare the locked packages of both lines of TFX with the known vulnerabilities: make audit.

    audit.py PIP_AUDIT...      the command that runs pip-audit

Exit status: 0 none, or only accepted ones; 1 others, or a package that cannot be looked up; 2
pip-audit failed; 3 the advisory service cannot be reached, so nothing is known.

OSV_URL names another service with the interface of https://api.osv.dev/v1/query.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from locked_packages import list_packages

ROOT = Path(__file__).parents[1]
ACCEPTED = "audit-accepted.yaml"
PYTHONS = ("3.10", "3.13")
"""One version of Python for each line of TFX."""

_SERVICE = "https://api.osv.dev/v1/query"
FOUND, FAILED, UNREACHABLE = 1, 2, 3
_UNREACHABLE = ("ConnectionError", "ConnectTimeout", "ReadTimeout", "ProxyError", "SSLError")


def find_objections(
    report: dict[str, Any], accepted: Sequence[dict[str, Any]], today: dt.date
) -> Iterator[str]:
    """Yield a line for each package that is vulnerable or could not be looked up.

    Args:
      report: pip-audit's report.
      accepted: entries of audit-accepted.yaml: package, id, reason and last valid day.
      today: the date.
    """
    valid = {(entry["package"], entry["id"]) for entry in accepted if today <= entry["until"]}
    for package in report["dependencies"]:
        name = package["name"]
        if "skip_reason" in package:
            yield f"{name}: not audited: {package['skip_reason']}"
            continue
        for advisory in package["vulns"]:
            names = {advisory["id"], *advisory["aliases"]}
            if not any((name, each) in valid for each in names):
                fixed = ", ".join(advisory["fix_versions"]) or "no release"
                yield (
                    f"{name} {package['version']}: {', '.join(sorted(names))}, fixed in {fixed}. "
                    f"Update the lock (make lock), or accept it with a reason in {ACCEPTED}."
                )


def main(command: Sequence[str]) -> int:
    """Audit both lines of TFX, print the objections, and return the exit status."""
    service = os.environ.get("OSV_URL", _SERVICE)
    entries = yaml.safe_load((ROOT / ACCEPTED).read_text(encoding="utf-8"))["accepted"]
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    objections = []
    for python in PYTHONS:
        packages = list(list_packages(lock, python))
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("\n".join(packages))
            file.flush()
            options = ("--vulnerability-service=osv", f"--osv-url={service}", "--format=json")
            audit = subprocess.run(
                [*command, "--disable-pip", f"--requirement={file.name}", *options],
                capture_output=True,
                text=True,
                check=False,
            )
        if not audit.stdout.strip():
            last_line = (audit.stderr.strip() or "no output").splitlines()[-1]
            if any(name in audit.stderr for name in _UNREACHABLE):
                print(
                    f"Not audited: {service} cannot be reached ({last_line}). Run this where the "
                    "service can be reached, or name another one with OSV_URL.",
                    file=sys.stderr,
                )
                return UNREACHABLE
            print(f"Not audited: pip-audit failed: {last_line}", file=sys.stderr)
            return FAILED
        new = list(find_objections(json.loads(audit.stdout), entries, dt.date.today()))  # noqa: DTZ011 - a day
        print(f"Python {python}: {len(packages)} packages, {len(new)} objections")
        objections += new
    for objection in dict.fromkeys(objections):
        print(objection, file=sys.stderr)
    return FOUND if objections else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
