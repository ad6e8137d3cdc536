"""A stand-in for Google Drive on this machine, with its pages, ranges and failures.

The product downloads from https://drive.google.com. So that it does so here, the stand-in is also a
proxy, which answers in place of every server that a client asks to be connected with.
"""

import re
import shlex
import ssl
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

HOSTS = ("drive.google.com", "drive.usercontent.google.com")
UUID = "5f0e3a1c-0000-4000-8000-1d2c3b4a5968"

CONFIRMATION = (
    "<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head><body>"
    '<div class="uc-main"><p class="uc-warning-caption">Google Drive can\'t scan this file for '
    'viruses.</p><form id="download-form" '
    'action="https://drive.usercontent.google.com/download" method="get">'
    '<input type="submit" id="uc-download-link" value="Download anyway"/>'
    '<input type="hidden" name="id" value="{id}">'
    '<input type="hidden" name="export" value="download">'
    '<input type="hidden" name="confirm" value="t">'
    f'<input type="hidden" name="uuid" value="{UUID}"></form></div></body></html>'
)
QUOTA = (
    "<!DOCTYPE html><html><head><title>Google Drive - Quota exceeded</title></head><body>"
    '<div class="uc-main"><div id="uc-text"><p class="uc-error-caption">Sorry, you can&#39;t view '
    'or download this file at this time.</p><p class="uc-error-subcaption">Too many users have '
    "viewed or downloaded this file recently. Please try accessing the file again later. If the "
    "file you are trying to access is particularly large or is shared with many people, it may "
    "take up to 24 hours to be able to view or download the file.</p></div></div></body></html>"
)
SIGN_IN = (
    "<!doctype html><html><head><title>Google Drive: Sign-in</title></head>"
    "<body><form action='/signin'></form></body></html>"
)


@dataclass
class FakeDrive:
    """What is on the Drive, and how it behaves.

    Attributes:
      content: the file.
      page: a page that is shown instead of every file.
      ranges: whether parts of a file can be requested.
      break_after: bytes after which the connection breaks, once.
      requests: address and range of every request so far.
    """

    content: bytes = b""
    page: str = ""
    ranges: bool = True
    break_after: int = 0
    requests: list[tuple[str, str]] = field(default_factory=list)


class FakeDriveServer(ThreadingHTTPServer):
    """Serves a `FakeDrive` on a port of this machine while it is open."""

    daemon_threads = True

    def __init__(self, drive: FakeDrive, folder: Path):
        """`folder` is where the certificate is made."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.drive = drive
        self.certificate = folder / "drive.pem"
        self._key = folder / "drive.key"

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def as_proxy(self) -> dict[str, str]:
        """Return the environment in which clients take the stand-in for Google."""
        names = ",".join(f"DNS:{host}" for host in HOSTS)
        command = (
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
            f"-subj /CN=stand-in -addext subjectAltName={names} -keyout {self._key} "
            f"-out {self.certificate}"
        )
        subprocess.run(shlex.split(command), check=True, capture_output=True)
        return {
            "HTTPS_PROXY": self.address,
            "NO_PROXY": "",
            "REQUESTS_CA_BUNDLE": str(self.certificate),
        }

    def make_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self._key)
        return context

    def handle_error(self, request, client_address):
        """Clients that close a connection early are none of our errors."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: FakeDriveServer
    protocol_version = "HTTP/1.1"
    host = ""

    def log_message(self, *_):
        pass

    def do_CONNECT(self):
        self.send_response(200)
        self.end_headers()
        self.host = f"https://{self.path.removesuffix(':443')}"
        self.connection = self.server.make_context().wrap_socket(self.connection, server_side=True)
        self.setup_streams()

    def setup_streams(self):
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)
        self.close_connection = False

    def do_GET(self):
        drive = self.server.drive
        drive.requests.append((f"{self.host}{self.path}", self.headers.get("Range", "")))
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        if url.path == "/missing.zip":
            self.send_error(404)
        elif drive.page:
            self.send_page(drive.page)
        elif url.path == "/uc":
            self.send_response(303)
            target = f"https://drive.usercontent.google.com/download?id={query['id'][0]}"
            self.send_header("Location", f"{target}&export=download")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif url.path == "/download" and query.get("uuid") != [UUID]:
            self.send_page(CONFIRMATION.replace("{id}", query["id"][0]))
        else:
            self.send_file(drive)

    def send_page(self, page):
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page.encode())))
        self.end_headers()
        self.wfile.write(page.encode())

    def send_file(self, drive):
        total = len(drive.content)
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked and drive.ranges else 0
        if start and start >= total:
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Disposition", 'attachment; filename="set.zip"')
        self.send_header("Last-Modified", "Wed, 18 Nov 2020 10:00:00 GMT")
        self.send_header("Content-Length", str(total - start))
        self.end_headers()
        end = drive.break_after if start < drive.break_after else total
        try:
            self.wfile.write(drive.content[start:end])
        except OSError:  # gdown closes a first response, and asks for a range of the same file
            self.close_connection = True
            return
        if end < total:
            drive.break_after = 0
            self.close_connection = True
