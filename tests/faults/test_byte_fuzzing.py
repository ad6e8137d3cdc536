"""Files of every format whose bytes atheris changes, guided by the code that they reach.

Atheris has an environment of its own, made by `uv tool run`, and reads with the packages of the
project's. It finds what to change by itself, where test_reader_fuzzing.py changes structure.

    RADIO_SIGNALS_FUZZ_MINUTES=20 pytest -s tests/faults/test_byte_fuzzing.py
"""

import os
import re
import shutil
import site
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.good_folders import FORMS, OBSERVATIONS, write_seeds

ROOT = Path(__file__).parents[2]
UV = shutil.which("uv", path=f"{ROOT}/.tools/uv/bin{os.pathsep}{os.environ['PATH']}")
# Python 3.10 gets 2.3.0; 3.0 and later need a newer Python.
PYTHON = (UV, "tool", "run", "--quiet", "--no-build", f"--python={sys.executable}")
PYTHON += ("--from=atheris>=2.3", "python")
ENVIRONMENT = {
    "UV_CACHE_DIR": f"{ROOT}/.cache/uv",
    **os.environ,
    "PYTHONPATH": os.pathsep.join([str(ROOT), *site.getsitepackages()]),
    # One arena of memory and one pool: the limit is that of addresses.
    "MALLOC_ARENA_MAX": "2",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}

MINUTES = float(os.environ.get("RADIO_SIGNALS_FUZZ_MINUTES", "0"))
ALL_FORMS = (*FORMS, *OBSERVATIONS)
SECONDS = round(60 * MINUTES / len(ALL_FORMS)) or 2
# One form of each format: the names of variants begin alike.
FEW_FORMS = {form.partition(", ")[0]: form for form in reversed(ALL_FORMS)}.values()
LONGEST_INPUT = 1 << 16
SECONDS_PER_FOLDER = 60


@pytest.fixture(scope="module", autouse=True)
def atheris():
    """Skips where atheris is not to be had."""
    if not UV:
        pytest.skip("uv, which installs atheris, is missing: make setup")
    tried = subprocess.run(
        [*PYTHON, "-c", "import atheris"], env=ENVIRONMENT, capture_output=True, text=True
    )
    if tried.returncode:
        pytest.skip(f"atheris cannot be installed: {tried.stderr.strip().splitlines()[-1]}")


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(form, marks=pytest.mark.slow if form in FEW_FORMS else pytest.mark.faults)
        for form in ALL_FORMS
    ],
)
def test_changed_bytes_are_read_or_refused_by_name(form, tmp_path):
    seeds, corpus = tmp_path / "seeds", tmp_path / "corpus"
    write_seeds(form, seeds)
    corpus.mkdir()
    fuzzing = subprocess.run(
        [
            *(*PYTHON, "tests/faults/fuzz_bytes.py", form, tmp_path / "data"),
            f"-max_total_time={SECONDS}",
            f"-timeout={SECONDS_PER_FOLDER}",
            # By default, ten seconds are reported like a crash. A header that ends the process
            # which tries it takes two of processor time, and more on a busy machine.
            f"-report_slow_units={SECONDS_PER_FOLDER}",
            f"-max_len={LONGEST_INPUT}",
            f"-artifact_prefix={tmp_path}/",
            "-len_control=0",
            "-print_final_stats=1",
            *(corpus, seeds),
        ],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=SECONDS + 600,
    )
    text = fuzzing.stdout + fuzzing.stderr
    crashes = [path.read_bytes() for path in tmp_path.iterdir() if path.is_file()]
    assert (fuzzing.returncode, crashes) == (0, []), text[-4000:]
    executions = int(re.search(r"stat::number_of_executed_units: (\d+)", text)[1])
    print(f"{form}: {executions:,} executions in {SECONDS} s, none ended but by InvalidData")
    assert executions > len(list(seeds.iterdir()))
