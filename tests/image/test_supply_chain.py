"""Lists and audits of the locked packages."""

import datetime as dt
import http.server
import json
import os
import sys
import threading
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(_ROOT / "scripts"))

from audit import find_objections, main
from locked_packages import list_packages

TODAY = dt.date(2030, 1, 1)
ADVISORY = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["2.0"], "description": ""}
REPORT = {"dependencies": [{"name": "left", "version": "1.0", "vulns": [ADVISORY]}]}
PIP_AUDIT = (
    "env",
    f"UV_CACHE_DIR={os.environ.get('UV_CACHE_DIR', _ROOT / '.cache/uv')}",
    str(_ROOT / ".tools/uv/bin/uv"),
    *("tool", "run", "--quiet", "--from", "pip-audit==2.10.1", "pip-audit"),
)


@pytest.mark.parametrize(("python", "tfx"), [("3.10", "1.16.0"), ("3.13", "1.21.0")])
def test_a_version_of_python_gets_the_packages_of_its_line_with_their_hashes(python, tfx):
    packages = list(list_packages((_ROOT / "requirements.lock").read_text(), python))
    assert [each.split(" ")[0] for each in packages if each.startswith("tfx==")] == [f"tfx=={tfx}"]
    assert all("==" in each and " --hash=sha256:" in each for each in packages)
    assert not [each for each in packages if ";" in each or "\\" in each]
    names = [each.partition("==")[0] for each in packages]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("entry", "is_accepted"),
    [
        ({"package": "left", "id": "PYSEC-1", "until": TODAY}, True),
        ({"package": "left", "id": "CVE-1", "until": TODAY}, True),
        ({"package": "left", "id": "CVE-1", "until": TODAY - dt.timedelta(days=1)}, False),
        ({"package": "right", "id": "CVE-1", "until": TODAY}, False),
    ],
)
def test_an_advisory_is_accepted_by_package_and_id_until_a_date(entry, is_accepted):
    objections = [
        "left 1.0: CVE-1, PYSEC-1, fixed in 2.0. Update the lock (make lock), or accept it with a "
        "reason in audit-accepted.yaml."
    ]
    received = list(find_objections(REPORT, [{**entry, "reason": "not used"}], TODAY))
    assert received == ([] if is_accepted else objections)


def test_a_package_that_cannot_be_looked_up_is_an_objection():
    report = {"dependencies": [{"name": "left", "skip_reason": "not found"}]}
    assert list(find_objections(report, [], TODAY)) == ["left: not audited: not found"]


def test_a_service_that_cannot_be_reached_has_an_exit_status_of_its_own(capsys):
    fail = ("sh", "-c", "echo 'requests.exceptions.ConnectionError: no route' >&2; exit 1")
    assert main(fail) == 3
    assert capsys.readouterr().err.startswith(
        "Not audited: https://api.osv.dev/v1/query cannot be reached "
        "(requests.exceptions.ConnectionError: no route). Run this where the service can be reached"
    )
    assert main(("sh", "-c", "echo 'no such option' >&2; exit 2")) == 2
    assert capsys.readouterr().err == "Not audited: pip-audit failed: no such option\n"


class _Osv(http.server.BaseHTTPRequestHandler):
    """A service that knows one advisory, of click."""

    def do_POST(self):
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        advisory = {"id": "PYSEC-2030-1", "summary": "bad", "affected": [], "aliases": ["CVE-1"]}
        is_click = query["package"]["name"] == "click"
        body = json.dumps({"vulns": [advisory]} if is_click else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Print nothing."""


@pytest.mark.long
def test_pip_audit_finds_the_advisories_of_a_service(monkeypatch, capsys):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Osv)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("OSV_URL", f"http://127.0.0.1:{server.server_address[1]}/v1/query")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    try:
        assert main(PIP_AUDIT) == 1
        assert "CVE-1, PYSEC-2030-1, fixed in no release" in capsys.readouterr().err
    finally:
        server.shutdown()
        server.server_close()
    monkeypatch.setenv("OSV_URL", "http://127.0.0.1:9/v1/query")
    assert main(PIP_AUDIT) == 3
