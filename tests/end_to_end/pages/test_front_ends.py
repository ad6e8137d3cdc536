"""TFMA's views in a browser: in every front end of Jupyter, in its exports, and in plain pages."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import FrameLocator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from components.views.evaluation import show_evaluation
from data.seed_layout import CLASS_NAMES
from pipeline.history.records import connect_to_metadata, find_evaluations
from tests.end_to_end.pages.notebook import NOTEBOOKS, execute
from tests.end_to_end.support.pipeline_runs import SMALL, run_pipeline
from tests.ports import free_port

pytestmark = pytest.mark.slow

FRAME = 'iframe[title="TFMA\'s interactive views"]'
# A kernel imports TFMA, which takes a minute on a busy machine.
MINUTES = 60_000

GOOGLE = "https://www.gstatic.com/charts/loader.js"


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    # The result of a test must not depend on the internet.
    page.route(re.compile(r"^https?://(?!127\.0\.0\.1)"), lambda route: route.abort())
    yield page
    page.close()


@pytest.fixture(scope="module")
def saved(first_run, tmp_path_factory) -> Path:
    """The page of the first run's evaluation, compared with itself."""
    evaluations = find_evaluations(connect_to_metadata(str(first_run.output)))
    evaluation = evaluations[first_run.metrics["run_id"]]
    file = tmp_path_factory.mktemp("saved") / "page.html"
    runs = {"2026-01-01": evaluation, "2026-01-02": evaluation}
    show_evaluation(runs, CLASS_NAMES).save(file)
    return file


def views(page: Page) -> FrameLocator:
    """The frame, once its components are mounted."""
    frame = page.frame_locator(FRAME)
    frame.locator("body[data-drawn-by]").wait_for(state="attached", timeout=5 * MINUTES)
    return frame


def expect_metrics(page: Page, accuracy: float, images: int = 120) -> None:
    """Expect TFMA's own elements, with the run's metrics, in a frame that shows all of them."""
    frame = views(page)
    # Playwright's CSS selectors also match inside shadow roots.
    table = frame.locator("tfma-nb-slicing-metrics tfma-metrics-table table")
    overall = table.locator("tr", has_text="Overall")
    expect(overall).to_contain_text(f"{accuracy:.5f}")
    expect(overall).to_contain_text(str(images))
    for name in CLASS_NAMES:
        expect(table.locator("th", has_text=f"recall_{name}").first).to_be_attached()
    expect(frame.locator("tfma-nb-slicing-metrics svg rect").first).to_be_attached()
    # The other matrix is for images with several classes.
    matrix = frame.locator(
        "tfma-nb-plot tfma-multi-class-confusion-matrix-at-thresholds:not([multi-label])"
    )
    expect(matrix).to_contain_text("squiggle")
    height = page.locator(FRAME).bounding_box()["height"]
    content = frame.locator("body").evaluate("body => body.getBoundingClientRect().height")
    assert height >= content > 500


def test_a_plain_page_opened_from_a_disk_draws_without_internet(page, saved, first_run):
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(saved.as_uri())
    expect_metrics(page, first_run.metrics["accuracy"])
    assert views(page).locator("body").get_attribute("data-drawn-by") == "offline charts"
    assert errors == []


def test_runs_are_compared_in_a_table_and_in_a_line_over_them(page, saved, first_run):
    page.goto(saved.as_uri())
    runs = views(page).locator("tfma-nb-time-series")
    expect(runs.locator("tfma-metrics-table tr", has_text="2026-01-01")).to_be_visible()
    expect(runs.locator("tfma-metrics-table tr", has_text="2026-01-02")).to_be_visible()
    expect(runs.locator("tfma-line-chart svg polyline")).to_have_count(1)
    expect(runs.locator("tfma-line-chart svg circle")).to_have_count(2)


def test_the_plots_of_a_class_can_be_chosen(page, saved):
    page.goto(saved.as_uri())
    frame = views(page)
    frame.locator("label > select").select_option("noise")
    plots = frame.locator("tfma-nb-plot")
    expect(plots.locator("tfma-calibration-plot svg circle").first).to_be_visible()
    plots.get_by_text("Show all plots").click()
    for curve in ("roc-curve", "precision-recall-curve#pr", "gain-chart", "accuracy-charts"):
        expect(plots.locator(f"tfma-{curve} svg polyline").first).to_be_visible()
    expect(plots.locator("tfma-prediction-distribution svg rect").first).to_be_attached()
    expect(plots.locator("tfma-residual-plot svg polyline").first).to_be_visible()


def test_a_table_is_sorted_by_a_click_on_a_heading(page, saved):
    page.goto(saved.as_uri())
    runs = views(page).locator("tfma-nb-time-series tfma-metrics-table")
    first = runs.locator("tbody tr").first
    expect(first).to_contain_text("2026-01-02")
    runs.locator("th", has_text="Model").click()
    expect(first).to_contain_text("2026-01-01")
    runs.locator("th", has_text="Model").click()
    expect(first).to_contain_text("2026-01-02")


def test_a_histogram_of_slices_is_drawn(page, saved):
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(saved.as_uri())
    metrics = views(page).locator("tfma-nb-slicing-metrics")
    metrics.locator("#chart-type paper-dropdown-menu").click()
    metrics.get_by_text("Metrics Histogram").click()
    expect(metrics.locator("tfma-metrics-histogram #details svg rect").first).to_be_attached()
    assert errors == []


def test_google_charts_are_used_if_they_can_be_reached(page, saved):
    # Our charts are served at Google's address, which shows that this address is tried first.
    charts = Path(show_evaluation.__code__.co_filename).with_name("offline_charts.js").read_text()
    loader = charts + "window.google = {...offlineCharts, isTheirs: true};"
    page.route(GOOGLE, lambda route: route.fulfill(body=loader, content_type="text/javascript"))
    page.goto(saved.as_uri())
    frame = views(page)
    assert frame.locator("body").get_attribute("data-drawn-by") == "Google Charts"
    assert frame.locator("body").evaluate("() => window.google.isTheirs")


def test_without_scripts_the_metrics_are_shown_without_a_blank_frame(browser, saved, first_run):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(saved.as_uri())
    expect(page.get_by_role("row", name=re.compile("^accuracy")).first).to_contain_text(
        f"{first_run.metrics['accuracy']:.4f}"
    )
    assert page.locator(FRAME).bounding_box()["height"] == 0
    context.close()


def test_nbconverts_html_shows_the_views(page, only_run, tmp_path):
    from nbconvert import HTMLExporter

    notebook = execute("evaluate", RADIO_SIGNALS_OUTPUT=only_run.output)
    body, _ = HTMLExporter().from_notebook_node(notebook)
    file = tmp_path / "evaluate.html"
    file.write_text(body, encoding="utf-8")
    page.goto(file.as_uri())
    expect_metrics(page, only_run.metrics["accuracy"])


def open_notebook(page: Page, address: str, path: str, listens: str) -> None:
    """Open a notebook and wait until its kernel listens.

    On a busy machine, some kernels never listen, perhaps because another process took their ports.
    Such a kernel is replaced.

    Args:
      page: a new page.
      address: address of the server.
      path: path of the notebook on the server.
      listens: JavaScript expression, whether the notebook's kernel listens.
    """
    for _ in range(3):
        page.goto(address + path, timeout=2 * MINUTES)
        try:
            # A cell that is run earlier asks which kernel to use.
            page.wait_for_function(listens, timeout=1.5 * MINUTES)
            return
        except PlaywrightTimeout:
            with urllib.request.urlopen(address + "api/sessions", timeout=30) as answer:
                sessions = json.load(answer)
            for session in sessions:
                url = f"{address}api/sessions/{session['id']}"
                request = urllib.request.Request(url, method="DELETE")
                urllib.request.urlopen(request, timeout=30).close()
    pytest.fail(f"no kernel listens; the last ones: {sessions}")


def run_all(page: Page) -> None:
    """Run all cells in JupyterLab, or in Notebook 7, which is built on it."""
    started = page.locator(".jp-InputPrompt", has_text=re.compile(r"\[(\*|\d+)\]")).first
    # Repeated until a cell has started, because a page that is still loading ignores the command.
    for _ in range(36):
        page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells'); }")
        with contextlib.suppress(PlaywrightTimeout):
            started.wait_for(timeout=MINUTES / 12)
            break
    else:
        pytest.fail("no cell has been run")
    show_cell(page)


def show_cell(page: Page) -> None:
    """Wait until all cells have run, then scroll to the views, because only visible cells draw."""
    page.wait_for_function(
        """() => {
            const { content } = jupyterapp.shell.currentWidget;
            const code = content.widgets.filter((cell) => cell.model.type === "code");
            if (code.some((cell) => cell.outputArea.model.toJSON().some(
                (output) => output.output_type === "error"))) return true;
            if (code.some((cell) => cell.model.executionCount === null)) return false;
            content.activeCellIndex = content.widgets.findIndex(
                (cell) => cell.model.sharedModel.getSource().includes("show_evaluation("));
            content.scrollToItem(content.activeCellIndex);
            return true;
        }""",
        timeout=10 * MINUTES,
    )


def run_all_classic(page: Page) -> None:
    page.evaluate("Jupyter.notebook.execute_all_cells()")


LAB = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status == 'idle'"
CLASSIC = "window.Jupyter?.notebook?.kernel?.is_connected()"


@pytest.mark.parametrize(
    ("application", "path", "listens", "start"),
    [
        ("lab", "lab/tree/evaluate.ipynb", LAB, run_all),
        pytest.param("notebook", "notebooks/evaluate.ipynb", LAB, run_all, marks=pytest.mark.long),
        pytest.param(
            "nbclassic",
            "nbclassic/notebooks/evaluate.ipynb",
            CLASSIC,
            run_all_classic,
            marks=pytest.mark.long,
        ),
    ],
    ids=["lab", "notebook", "nbclassic"],
)
def test_a_front_end_of_jupyter_shows_the_views(
    page, only_run, application, path, listens, start, tmp_path
):
    shutil.copy(NOTEBOOKS / "evaluate.ipynb", tmp_path)
    with server(application, tmp_path, only_run.output) as address:
        open_notebook(page, address, path, listens)
        start(page)
        # A notebook draws only what is visible.
        failed = '[data-mime-type="application/vnd.jupyter.error"], .output_error'
        page.locator(f"{FRAME}, {failed}").first.wait_for(state="attached", timeout=10 * MINUTES)
        assert page.locator(failed).all_inner_texts() == []
        page.locator(FRAME).scroll_into_view_if_needed()
        expect_metrics(page, only_run.metrics["accuracy"])
        if "SCREENSHOTS" in os.environ:
            page.screenshot(path=Path(os.environ["SCREENSHOTS"], f"{application}.png"))


@contextlib.contextmanager
def server(application: str, folder: Path, output: Path):
    """Start a Jupyter server on a free port; yield its address."""
    port = free_port()
    process = subprocess.Popen(
        [
            Path(sys.executable).with_name(f"jupyter-{application}"),
            "--no-browser",
            "--allow-root",
            "--ip=127.0.0.1",
            f"--port={port}",
            "--ServerApp.port_retries=0",
            "--LabApp.expose_app_in_browser=True",
            "--JupyterNotebookApp.expose_app_in_browser=True",
            "--IdentityProvider.token=",
            "--ServerApp.disable_check_xsrf=True",
            f"--ServerApp.root_dir={folder}",
        ],
        env={**os.environ, "RADIO_SIGNALS_OUTPUT": str(output), "JUPYTER_CONFIG_DIR": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    address = f"http://127.0.0.1:{port}/"
    answers = threading.Event()
    log: list[str] = []

    def follow_log() -> None:
        for line in process.stderr:
            log.append(line)
            if address in line:
                answers.set()

    follower = threading.Thread(target=follow_log, daemon=True)
    follower.start()
    try:
        assert answers.wait(timeout=120), f"jupyter {application} does not answer:\n{''.join(log)}"
        # The log names the address a moment before the port is open.
        with httpx.Client(transport=httpx.HTTPTransport(retries=8), timeout=120) as client:
            client.get(f"{address}api/status").raise_for_status()
        yield address
    finally:
        process.terminate()
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            # The kernels have ended, but a worker thread of AnyIO can keep JupyterLab's process
            # from ending.
            process.kill()
            process.wait()


def test_a_report_has_the_views_on_request(page, small_data, first_run, output_copy):
    run = run_pipeline(small_data, output_copy, *SMALL, "--set=interactive_report=true")
    assert run.steps[-1] == "Report"
    page.goto((run.latest / "report.html").as_uri())
    expect_metrics(page, first_run.metrics["accuracy"])
    page.emulate_media(media="print")
    expect(page.locator(FRAME)).to_be_hidden()
