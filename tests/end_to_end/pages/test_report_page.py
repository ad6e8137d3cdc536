"""The report in a real browser: complete without a network, and every metric correct."""

import itertools
import re

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    confusion_matrix,
    log_loss,
    precision_recall_fscore_support,
    recall_score,
    roc_auc_score,
)

from components.evaluator.slices import LINE_STRENGTH_RANGES, line_strength_range
from components.spectrogram_example_gen.line_strength import measure_line_strength
from data.seed_layout import CLASS_NAMES

pytestmark = pytest.mark.slow

# "noise, 0.998 images.csv, row 7" or
# "noise (0.102), classified as squiggle (0.770) images.csv, row 8".
CAPTION = re.compile(
    r"(\w+)(?:,| \(([\d.]+)\), classified as (\w+)) \(?([\d.]+)\)?\s(\S+), row (\d+)"
)

# Half of the last digit shown.
ROUNDING = 5.01e-5


@pytest.fixture(scope="module", params=["light", "dark"])
def opened(browser: Browser, first_run, request) -> Page:
    """The report, opened offline. `page.requests` lists the addresses it requested."""
    context = browser.new_context(offline=True, color_scheme=request.param)
    page = context.new_page()
    page.theme, page.requests, page.errors = request.param, [], []
    page.on("request", lambda request: page.requests.append(request.url))
    page.on("console", lambda message: page.errors.append(message.text))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.goto((first_run.latest / "report.html").as_uri())
    yield page
    context.close()


def test_it_requests_nothing_but_itself(opened):
    assert [url for url in opened.requests if not url.startswith("data:")] == [opened.url]
    assert opened.errors == []


def test_every_picture_is_drawn_and_described(opened):
    pictures = opened.locator("img")
    # Five plots, and for each class four correct and four uncertain spectrograms.
    assert pictures.count() >= 5 + 2 * 4 * len(CLASS_NAMES)
    drawn = "all => all.map(one => one.complete && one.naturalWidth > 20 && one.width > 20)"
    assert all(pictures.evaluate_all(drawn))
    assert all(len(text) > 20 for text in pictures.evaluate_all("all => all.map(one => one.alt)"))


def test_plots_and_page_have_the_theme_of_the_reader(opened):
    paper = opened.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 24, 28)"}[opened.theme]
    plots = opened.locator(".plot")
    for shown, expected in plots.evaluate_all(
        """all => all.map(one => [
            one.querySelector("img").currentSrc,
            matchMedia("(prefers-color-scheme: dark)").matches
              ? one.querySelector("source").srcset : one.querySelector("img").src,
        ])"""
    ):
        assert shown == expected


def test_headings_form_an_outline_and_every_section_has_a_link(opened):
    levels = opened.locator("h1, h2, h3, h4").evaluate_all(
        "all => all.map(one => Number(one.tagName[1]))"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    targets = opened.locator("nav a").evaluate_all("all => all.map(one => one.hash.slice(1))")
    assert targets == opened.locator("h2").evaluate_all("all => all.map(one => one.id)")


def test_print_is_dark_on_white_with_nothing_collapsed(opened):
    opened.emulate_media(media="print")
    try:
        paper = opened.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
        assert paper == "rgb(255, 255, 255)"
        expect(opened.locator("nav")).to_be_hidden()
        shown = opened.locator(".plot img").evaluate_all("all => all.map(one => one.currentSrc)")
        light = opened.locator(".plot img").evaluate_all("all => all.map(one => one.src)")
        assert shown == light
    finally:
        opened.emulate_media(media="screen")


def table(page: Page, caption_or_row: str) -> Locator:
    return page.locator("table", has_text=caption_or_row).first


def read_rows(table: Locator) -> dict[str, list[str]]:
    """The cells of a table by the heading of the row, without the small print."""
    rows = table.locator("tbody tr").evaluate_all(
        "all => all.map(row => [...row.cells].map(cell => cell.firstChild.textContent.trim()))"
    )
    return {heading: cells for heading, *cells in rows}


def numbers(cells: list[str]) -> list[float]:
    return [float(cell) for cell in cells]


@pytest.fixture
def answered(served, validation) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Actual class, predicted class and probabilities of the pushed model."""
    probabilities = served["example_probabilities"].astype(float)
    # The sums are 1 only to the precision of float32, about which scikit-learn warns.
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return np.asarray(validation[1]), probabilities.argmax(axis=1), probabilities


def test_metrics_by_class_and_their_means_are_scikit_learns(opened, answered):
    actual, predicted, probabilities = answered
    one_hot = np.eye(len(CLASS_NAMES))[actual]
    rows = read_rows(table(opened, "The predicted class is the one with the highest probability"))

    def columns(average):
        decision = precision_recall_fscore_support(actual, predicted, average=average)
        ranking = [
            score(one_hot, probabilities, average=average)
            for score in (roc_auc_score, average_precision_score)
        ]
        return [*decision[:3], *ranking]

    for index, name in enumerate(CLASS_NAMES):
        *values, images = numbers(rows[name])
        expected = [column[index] for column in columns(None)]
        # Ranking, see `assert_scikit_learns` in test_run.py.
        assert values[:3] == pytest.approx(expected[:3], abs=ROUNDING)
        assert values[3:] == pytest.approx(expected[3:], abs=1e-3)
        assert images == (actual == index).sum()
    for heading, average in (("mean of classes", "macro"), ("mean weighted by images", "weighted")):
        *values, images = numbers(rows[heading])
        assert values[:3] == pytest.approx(columns(average)[:3], abs=ROUNDING)
        assert values[3:] == pytest.approx(columns(average)[3:], abs=1e-3)
        assert images == len(actual)
    over_all = read_rows(table(opened, "lowest recall of a class"))
    assert {name: float(cells[0]) for name, cells in over_all.items()} == pytest.approx(
        {
            "accuracy": accuracy_score(actual, predicted),
            "balanced accuracy": balanced_accuracy_score(actual, predicted),
            "lowest recall of a class": min(recall_score(actual, predicted, average=None)),
        },
        abs=ROUNDING,
    )
    accuracy = f"{accuracy_score(actual, predicted):.4f}"
    assert f"Accuracy {accuracy}" in opened.locator(".verdict").inner_text()
    assert opened.title() == f"Radio Signals: {accuracy} accuracy, blessed"


def test_metrics_by_line_strength_are_scikit_learns_on_those_images(opened, answered, validation):
    actual, predicted, _ = answered
    levels = validation[0]
    strengths = measure_line_strength(levels, levels.mean(axis=(1, 2)), levels.std(axis=(1, 2)))
    ranges = np.array([line_strength_range(strength) for strength in strengths])
    rows = read_rows(table(opened, "The strength is in standard deviations of noise"))
    assert list(rows) == [name for name in LINE_STRENGTH_RANGES if name in ranges]
    for name, (accuracy, *recalls, images) in rows.items():
        in_range = ranges == name
        assert float(accuracy) == pytest.approx(
            accuracy_score(actual[in_range], predicted[in_range]), abs=ROUNDING
        )
        assert int(images) == in_range.sum()
        for index, recall in enumerate(recalls):
            in_class = in_range & (actual == index)
            if recall == "-":
                assert not in_class.any()
            else:
                expected = (predicted[in_class] == index).mean()
                assert float(recall) == pytest.approx(expected, abs=ROUNDING)


def test_the_confusion_matrix_is_scikit_learns(opened, answered):
    actual, predicted, _ = answered
    described = opened.get_by_alt_text("Heat map of the confusion matrix").get_attribute("alt")
    for name, row in zip(CLASS_NAMES, confusion_matrix(actual, predicted).tolist(), strict=True):
        assert f" {name}: {', '.join(map(str, row))};" in described


def test_the_calibration_is_that_of_the_served_probabilities(opened, answered):
    actual, predicted, probabilities = answered
    rows = read_rows(table(opened, "Brier score"))
    served = {heading: float(cells[-1]) for heading, cells in rows.items()}
    one_hot = np.eye(len(CLASS_NAMES))[actual]
    assert served["negative log-likelihood (nats)"] == pytest.approx(
        log_loss(actual, probabilities), abs=1e-4
    )
    brier = ((probabilities - one_hot) ** 2).sum(axis=1).mean()
    assert served["Brier score"] == pytest.approx(brier, abs=1e-4)
    confidence, hits = probabilities.max(axis=1), predicted == actual
    bins = np.minimum((confidence * 15).astype(int), 14)
    error = sum(
        abs(hits[bins == index].mean() - confidence[bins == index].mean()) * (bins == index).mean()
        for index in np.unique(bins)
    )
    assert served["expected calibration error"] == pytest.approx(error, abs=1e-3)


def test_captions_give_the_prediction_for_the_row_that_they_name(opened, answered, small_data):
    actual, _, probabilities = answered
    (images,) = small_data.glob("validation/images.csv*")
    for caption in opened.locator("figcaption").all_inner_texts():
        name, actual_probability, predicted, probability, file, line = CAPTION.match(
            caption
        ).groups()
        assert file == str(images.relative_to(small_data))
        row = int(line) - 1
        assert name == CLASS_NAMES[actual[row]]
        assert probabilities[row].argmax() == CLASS_NAMES.index(predicted or name)
        assert float(probability) == pytest.approx(probabilities[row].max(), abs=6e-4)
        if actual_probability:
            assert float(actual_probability) == pytest.approx(
                probabilities[row][actual[row]], abs=6e-4
            )


def test_the_data_are_counted_and_measured(opened, validation):
    levels, labels = validation
    counts = read_rows(table(opened, "Number of spectrograms of each class"))
    expected = [*np.bincount(labels, minlength=len(CLASS_NAMES)).tolist(), len(labels)]
    assert numbers(counts["validation"]) == expected
    brightness = next(
        numbers(cells[1:])
        for row in table(opened, "Measurements of the spectrograms").locator("tbody tr").all()
        for cells in [row.locator("td").all_inner_texts()]
        if cells[0] == "validation" and "brightness" in row.inner_text()
    )
    means = levels.mean(axis=(1, 2)) / 255
    assert brightness == pytest.approx(
        [means.min(), np.median(means), means.mean(), means.std(), means.max()], rel=2e-3
    )
    compared = read_rows(table(opened, "Distance between two sets of images"))
    for sets, _, distance, limit in compared.values():
        assert sets == "validation and training images"
        assert 0 <= float(distance) <= float(limit)
    assert {"brightness", "contrast", "class_name"} <= set(compared)
