"""The page in a real browser: files are dropped and chosen, and the answers are the model's."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.serving.server import NAME, Server
from tests.serving.small_models import CLASSES, HEIGHT, WIDTH

pytestmark = pytest.mark.slow

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
VERSION = 1_800_000_000
THEMES = {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 24, 28)"}

# Drops a file on the page as a person would.
DROP = """([text, name]) => {
    const data = new DataTransfer();
    data.items.add(new File([text], name));
    const drop = document.getElementById("drop");
    for (const type of ["dragenter", "dragover", "drop"])
        drop.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true }));
}"""


@pytest.fixture(scope="module")
def browser() -> Browser:
    if not CHROMIUM:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(models, start, tmp_path_factory, browser) -> Server:
    serving = tmp_path_factory.mktemp("serving")
    models.push(1, serving, VERSION)
    return start(serving).wait_until_ready()


@pytest.fixture(scope="module", params=THEMES)
def page(browser, server, request) -> Page:
    """The page; `page.requests` lists the addresses that it asked for."""
    context = browser.new_context(color_scheme=request.param)
    page = context.new_page()
    page.theme, page.requests, page.errors = request.param, [], []
    page.on("request", lambda request: page.requests.append(request.url))
    page.on("filechooser", lambda chooser: None)  # so that none opens before a test expects it
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.goto(server.url)
    expect(page.locator("#model")).to_be_visible()
    yield page
    assert page.errors == []
    assert {url.split(":")[0] for url in page.requests} <= {"http", "data"}
    assert all(url.startswith((server.url, "data:")) for url in page.requests)
    context.close()


@pytest.fixture
def csv(models, tmp_path) -> Path:
    """Two spectrograms as rows of CSV."""
    file = tmp_path / "rows.csv"
    np.savetxt(file, models.levels[:2].reshape(2, -1), fmt="%d", delimiter=",")
    return file


def assert_answers(page: Page, models) -> None:
    """Compare what the latest file shows with the answers of TensorFlow alone."""
    section = page.locator("#results section").first
    expect(section.locator(".answer")).to_have_count(2)
    for i, answer in enumerate(section.locator(".answer").all()):
        expected = models.answers[1]["probabilities"][i]
        name = models.answers[1]["class"][i]
        assert answer.locator("h3").inner_text().split("\n")[0] == name
        rows = answer.locator(".bars tr").evaluate_all(
            "all => all.map(row => [row.cells[0].textContent, row.cells[2].textContent])"
        )
        shown = [[each, f"{100 * p:.1f} %"] for each, p in zip(CLASSES, expected, strict=True)]
        assert rows == shown
        bars = answer.locator(".bars rect").evaluate_all(
            "all => all.map(bar => bar.getBoundingClientRect().width)"
        )
        assert bars.index(max(bars)) == int(expected.argmax())
        picture = answer.locator("img")
        assert picture.evaluate("one => [one.naturalHeight, one.naturalWidth]") == [HEIGHT, WIDTH]
        assert picture.get_attribute("alt") == f"Spectrogram row {i + 1}, classified as {name}"


def test_it_names_the_version_that_answers_and_its_card(page):
    expect(page.locator("#serving")).to_have_text(
        f"{NAME}, version {VERSION}: {HEIGHT} x {WIDTH} pixels, stripe, dot, nothing"
    )
    page.get_by_text("Model card for programs").click()
    expect(page.locator("#values")).to_contain_text("a small one")
    page.get_by_text("Model card", exact=True).click()
    expect(page.locator("h1")).to_have_text("Model card: a small one")
    expect(page.locator("td").first).to_have_text("classes")
    expect(page.locator("main p")).to_have_text("A name of a class may hold <b>HTML</b>.")
    page.go_back()


def test_it_has_the_theme_of_the_reader(page):
    paper = page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
    assert paper == THEMES[page.theme]


def test_a_chosen_file_is_classified(page, csv, models):
    page.set_input_files("#files", csv)
    expect(page.locator("#status")).to_have_text("2 spectrograms classified")
    expect(page.locator("#results h2").first).to_have_text("rows.csv")
    expect(page.locator("#results .quiet").first).to_have_text(f"Version {VERSION} answered.")
    assert_answers(page, models)


def test_a_dropped_file_is_classified(page, csv, models):
    page.evaluate(DROP, [csv.read_text(), "dropped.csv"])
    expect(page.locator("#results h2").first).to_have_text("dropped.csv")
    assert_answers(page, models)


def test_a_file_that_cannot_be_read_is_named_with_the_reason(page):
    page.evaluate(DROP, ["1,2,3\n", "<b>bad</b>.csv"])
    expect(page.locator("#status")).to_have_text("0 spectrograms classified, 1 of 1 files refused")
    expect(page.locator("#results h2").first).to_have_text("<b>bad</b>.csv")
    expect(page.locator("#results .bad").first).to_have_text(
        f"b>.csv has 3 values a row where {HEIGHT} x {WIDTH} = {HEIGHT * WIDTH} are expected. The "
        "model reads spectrograms of this size only."
    )


def test_the_keyboard_reaches_the_file_button_and_shows_where_it_is(page):
    page.keyboard.press("Tab")
    page.locator("#files").focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    expect(page.locator("#files")).to_be_focused()
    outline = page.locator(".button").evaluate("one => getComputedStyle(one).outlineStyle")
    assert outline == "solid"
    with page.expect_file_chooser():
        page.keyboard.press("Enter")


def test_the_server_that_is_gone_is_named(page, server, csv):
    page.context.set_offline(True)
    try:
        page.set_input_files("#files", csv)
        expect(page.locator("#results .bad").first).to_have_text("The server does not answer.")
    finally:
        page.context.set_offline(False)
