"""Libraries write to the log and we to the terminal, also on a real terminal."""

import os
import pty
import subprocess
import sys

CODE = """
import logging, os, sys, warnings
from pipeline.terminal.console import busy, libraries_to

with libraries_to(sys.argv[1]) as console:
    with busy(console, "working"):
        logging.basicConfig(stream=sys.stderr)
        print("from print")
        warnings.warn("from warnings")
        os.write(2, b"from C++\\n")
        console.print("for the user")
    logging.getLogger("library").warning("from logging")
print("afterwards")
"""


def test_on_a_terminal_libraries_reach_the_log_and_only_the_log(tmp_path):
    log = tmp_path / "logs" / "run.log"
    terminal, process_side = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", CODE, log], stdout=process_side, stderr=process_side
    ) as process:
        os.close(process_side)
        shown = b""
        while True:
            try:
                chunk = os.read(terminal, 4096)
            except OSError:  # how Linux says that the other side was closed
                break
            if not chunk:
                break
            shown += chunk
    os.close(terminal)
    assert process.returncode == 0
    assert b"for the user" in shown
    assert b"afterwards" in shown
    assert b"from " not in shown
    kept = log.read_text()
    for source in ("print", "warnings", "C++", "logging"):
        assert f"from {source}" in kept
    assert "for the user" not in kept
