"""A server as a process of its own."""

import subprocess
import sys
import threading
from pathlib import Path

import httpx

COMMAND = Path(sys.executable).with_name("radio-signals")
NAME = "radio-signals"
SECONDS = 120


class Server:
    """A running `radio-signals serve` on a free port.

    Attributes:
      url: its address.
      client: asks it.
      lines: what it has printed so far.
    """

    def __init__(self, serving: Path, *options: str) -> None:
        """Start it; `wait_until_ready` waits for it."""
        self.process = subprocess.Popen(
            [COMMAND, "serve", "--serving", serving, "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._printed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout:
            with self._printed:
                self.lines.append(line.rstrip("\n"))
                self._printed.notify_all()

    def wait_for_line(self, text: str) -> str:
        """Return the first line that contains a text."""

        def find() -> list[str]:
            return [line for line in self.lines if text in line]

        with self._printed:
            assert self._printed.wait_for(find, SECONDS), f"{text}\n" + "\n".join(self.lines)
        return find()[0]

    def wait_until_ready(self) -> "Server":
        """Wait until it listens."""
        line = self.wait_for_line("/metrics")
        self.url = line[line.rindex("http://") :].partition("/metrics")[0]
        self.client = httpx.Client(base_url=self.url, timeout=SECONDS)
        return self

    @property
    def address(self) -> str:
        """Its address without a scheme."""
        return self.url.removeprefix("http://")

    def get(self, path: str, **options) -> httpx.Response:
        return self.client.get(path, **options)

    def post(self, path: str, content, **options) -> httpx.Response:
        """Send JSON, or bytes as they are."""
        kind = "content" if isinstance(content, bytes) else "json"
        return self.client.post(path, **{kind: content}, **options)

    def predict(self, content, which: str = "") -> httpx.Response:
        return self.post(f"/v1/models/{NAME}{which}:predict", content)

    def read_metric(self, name: str) -> float:
        """Return the value of a metric, given with its labels."""
        for line in self.get("/metrics").text.splitlines():
            if line.startswith(f"{name} "):
                return float(line.split()[-1])
        raise AssertionError(f"no metric {name}")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
