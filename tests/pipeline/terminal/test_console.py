"""Library output goes to the log, and ours to the terminal, also on a real terminal."""

import os
import pty
import subprocess
import sys

CODE = """
import logging, os, sys, warnings
from pipeline.terminal.console import redirect_output, show_spinner

with redirect_output(sys.argv[1]) as console:
    with show_spinner(console, "working"):
        logging.basicConfig(stream=sys.stderr)
        print("from print")
        warnings.warn("from warnings")
        os.write(2, b"from C++\\n")
        console.print("for the user")
    logging.getLogger("library").warning("from logging")
print("afterwards")
"""


def test_on_a_terminal_library_output_goes_to_the_log_and_only_there(tmp_path):
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
            except OSError:  # Linux reports in this way that the other side was closed.
                break
            if not chunk:
                break
            shown += chunk
    os.close(terminal)
    assert process.returncode == 0
    assert b"for the user" in shown
    assert b"afterwards" in shown
    assert b"from " not in shown
    logged = log.read_text()
    for source in ("print", "warnings", "C++", "logging"):
        assert f"from {source}" in logged
    assert "for the user" not in logged
