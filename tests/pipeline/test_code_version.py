"""Fingerprints of code: a step's key covers every module that the step imports."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

from pipeline.code_version import find_entry_modules, find_imported_modules, fingerprint_code
from pipeline.config.loading import load_config
from pipeline.dag import create_pipeline
from tests.graph import NODES
from trainer.models import MODELS

REPOSITORY = Path(__file__).parents[2]
PACKAGES = ("pipeline", "components", "trainer", "data")
STEPS = sorted(NODES | {"Tuner"})
FINGERPRINTS = """
import json, sys
from pipeline.code_version import fingerprint_code
entries = json.load(sys.stdin)
json.dump({step: fingerprint_code(*modules) for step, modules in entries.items()}, sys.stdout)
"""


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("graph")
    pipeline = create_pipeline(
        load_config(settings=(f"data={folder}", "tuning.enabled=true")),
        root=str(folder / "artifacts"),
        serving_dir=str(folder / "serving"),
        accepted_statistics_dir=str(folder / "accepted_statistics"),
    )
    return {node.id: node for node in pipeline.components}


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True, cache_dir=None)


class Copy:
    """The sources elsewhere, where they can be edited."""

    def __init__(self, root, entries):
        self._root = root
        self._entries = json.dumps(entries)
        for package in PACKAGES:
            shutil.copytree(
                REPOSITORY / package,
                root / package,
                ignore=shutil.ignore_patterns("__pycache__", "sample"),
            )
        self.unchanged = self.fingerprints()

    def fingerprints(self):
        """Return the fingerprint of each step, found from another working directory."""
        output = subprocess.run(
            [sys.executable, "-c", FINGERPRINTS],
            input=self._entries,
            cwd=self._root.parent,
            env={**os.environ, "PYTHONPATH": str(self._root)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        return json.loads(output)

    def changed_by_editing(self, file):
        """Return the steps whose fingerprint changes with a file."""
        path = self._root / file
        content = path.read_text()
        path.write_text(f"{content}\n")
        try:
            edited = self.fingerprints()
        finally:
            path.write_text(content)
        return {step for step in edited if edited[step] != self.unchanged[step]}


@pytest.fixture(scope="module")
def copy(nodes, tmp_path_factory):
    entries = {step: sorted(find_entry_modules(node)) for step, node in nodes.items()}
    return Copy(tmp_path_factory.mktemp("copy") / "sources", entries)


def file_of(module):
    path = module.replace(".", "/")
    return f"{path}/__init__.py" if (REPOSITORY / path).is_dir() else f"{path}.py"


def with_packages(module):
    """Return a module and the packages that hold it: `a.b.c`, `a.b` and `a`."""
    names = module.split(".")
    return {".".join(names[:length]) for length in range(1, len(names) + 1)}


@pytest.mark.parametrize("step", STEPS)
def test_a_module_that_a_step_imports_through_others_changes_its_key(step, nodes, graph, copy):
    entries = {
        package for entry in find_entry_modules(nodes[step]) for package in with_packages(entry)
    }
    direct = set().union(*map(graph.find_modules_directly_imported_by, entries))
    indirect = set().union(*map(graph.find_upstream_modules, entries)) - direct - entries
    assert step in copy.changed_by_editing(file_of(max(indirect)))


@pytest.mark.parametrize("step", STEPS)
def test_a_module_that_a_step_does_not_import_leaves_its_key(step, nodes, graph, copy):
    others = graph.modules - find_imported_modules(find_entry_modules(nodes[step]))
    assert step not in copy.changed_by_editing(file_of(min(others)))


@pytest.mark.parametrize("module", [*MODELS.values(), "trainer.worker"])
def test_a_module_that_is_loaded_by_name_changes_the_key_of_training(module, copy):
    assert "Trainer" in copy.changed_by_editing(file_of(module))


@pytest.mark.parametrize(
    ("file", "steps"),
    [
        ("components/report/page/report.html", {"Report"}),
        ("components/views/offline_charts.js", {"Report"}),
        ("trainer/export/model_card_page/model_card.md.jinja", {"Pusher", "Report"}),
        # Schema has the content in its key, the others get its output.
        ("data/schema.pbtxt", set()),
        ("data/README.md", set()),
    ],
)
def test_a_template_changes_the_key_of_the_step_that_fills_it(file, steps, copy):
    assert copy.changed_by_editing(file) == steps


def test_the_program_that_asks_the_model_changes_the_key_of_the_evaluator(copy):
    changed = copy.changed_by_editing("components/evaluator/served/fresh_process.py")
    assert "Evaluator" in changed
    assert "Trainer" not in changed


def test_the_key_of_every_step_has_the_fingerprint_of_its_code(nodes):
    codes = {step: node.exec_properties.get("code") for step, node in nodes.items()}
    assert codes == {step: fingerprint_code(node) for step, node in nodes.items()}
    assert len({*codes.values()}) == len(STEPS), "no two steps run the same code"


def test_the_report_names_the_code_of_all_steps(nodes):
    assert nodes["Report"].exec_properties["pipeline_code"] == fingerprint_code(*nodes.values())


def test_modules_that_parameters_name_are_loaded_too(nodes):
    assert "trainer.tuning.search" in find_entry_modules(nodes["Tuner"])
    # Within a text of JSON, which TFMA parses.
    assert "components.evaluator.ranking_metrics" in find_entry_modules(nodes["Evaluator"])
