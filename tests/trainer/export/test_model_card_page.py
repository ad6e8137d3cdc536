"""The model card for people, read back by a Markdown parser."""

import pytest
from markdown_it import MarkdownIt

from tests.trainer.export.card import CLASSES, FACTS, INTERVALS, MEASURED, TRAINER_CARD
from trainer.export.model_card import describe_files, find_damage, read_model_card, write_model_card
from trainer.export.model_card_page import (
    complete_model_card,
    list_confusions,
    render_model_card,
)


def read_tables(page: str) -> list[list[list[str]]]:
    """Return the cells of each table, as a reader sees them."""
    tables, in_cell = [], False
    for token in MarkdownIt("commonmark").enable("table").parse(page):
        if token.tag in ("td", "th"):
            in_cell = token.type.endswith("open")
        elif token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open":
            tables[-1].append([])
        elif token.type == "inline" and in_cell:
            tables[-1][-1].append("".join(child.content for child in token.children))
    return tables


def test_the_page_tells_what_the_model_is_was_trained_on_and_reaches():
    page = render_model_card({**TRAINER_CARD, **FACTS})
    summary, images, overall, by_class, by_strength, matrix, thresholds, _, versions = read_tables(
        page
    )
    assert dict(summary[1:]) == {
        "classes": "squiggle, noise_1",
        "model": "compact, 36,716 parameters",
        "id": "0123456789abcdef",
        "accuracy": "0.9250 (0.880 to 0.954) on 200 validation images",
        "data": "set (SIMULATED: preset basic, seed 0)",
        "licence": "CC-BY-4.0",
        "contact": "radio@example.org",
    }
    assert images[1:] == [["squiggle", "1,600", "100"], ["noise_1", "400", "0"]]
    assert overall[1:][2] == ["lowest recall of a class", "0.9000"]
    assert by_class[1] == [
        "squiggle",
        "0.9000 (0.850 to 0.940)",
        "0.9500 (0.900 to 0.980)",
        "undefined",
        "0.9900",
        "100",
    ]
    assert by_strength[1] == ["below 5", "0.9000 (0.830 to 0.940)", "100"]
    assert matrix == [["", *CLASSES], ["squiggle", "95", "5"], ["noise_1", "10", "90"]]
    assert thresholds[1:] == [["recall of noise_1", "0.8", "0.9000"]]
    assert versions[1:] == [["python", "3.10.13"], ["tensorflow", "2.16.2"]]


def test_the_page_says_that_the_data_are_simulated_and_what_the_model_confuses():
    page = render_model_card({**TRAINER_CARD, **FACTS})
    assert "**The data are simulated.**" in page
    assert (
        "* noise\\_1 is taken for squiggle: 10 images, 10.0 % of the class.\n"
        "* squiggle is taken for noise\\_1: 5 images, 5.0 % of the class.\n"
    ) in page
    assert "memory, TensorFlow included" in page


def test_observed_data_are_not_called_simulated():
    data = {**FACTS["data"], "source": "observed", "simulated": False}
    page = render_model_card({**TRAINER_CARD, **FACTS, "data": data})
    assert "imulated" not in page
    assert "From observed." in page


def test_a_forced_push_and_what_it_missed_are_on_the_page():
    page = render_model_card(
        {
            **TRAINER_CARD,
            **FACTS,
            "force_push_reason": "the old one is worse",
            "failed_thresholds": ["recall of noise_1 is low"],
        }
    )
    assert "put into service by force.** Reason: the old one is worse" in page
    assert "The model missed these thresholds:\n\n* recall of noise\\_1 is low\n" in page


@pytest.mark.parametrize(
    "name", ["a|b", "<script>", "`code` *star*", "[x](http://y)", "\\", "a\nb"]
)
def test_class_names_are_shown_as_they_are(name):
    evaluation = {
        **FACTS["evaluation"],
        "classes": {name: MEASURED},
        "intervals": {**FACTS["evaluation"]["intervals"], "classes": {name: INTERVALS}},
        "confusion_matrix": [[200]],
    }
    page = render_model_card({**TRAINER_CARD, **FACTS, "classes": [name], "evaluation": evaluation})
    assert read_tables(page)[3][1][0] == " ".join(name.split())
    assert "<" not in page


def test_confusions_are_listed_with_the_most_frequent_first():
    assert list_confusions(["a", "b", "c"], [[8, 2, 0], [5, 95, 0], [0, 0, 0]]) == [
        ("b", "a", 5, 0.05),
        ("a", "b", 2, 0.2),
    ]


def test_a_large_matrix_is_left_to_the_json():
    classes = [f"class {number}" for number in range(13)]
    matrix = [[10 * (row == column) for column in range(13)] for row in range(13)]
    evaluation = {
        **FACTS["evaluation"],
        "classes": dict.fromkeys(classes, MEASURED),
        "intervals": {
            **FACTS["evaluation"]["intervals"],
            "classes": dict.fromkeys(classes, INTERVALS),
        },
        "confusion_matrix": matrix,
    }
    page = render_model_card(
        {**TRAINER_CARD, **FACTS, "classes": classes, "evaluation": evaluation}
    )
    assert "Confusion matrix" not in page


def test_a_model_without_an_evaluation_has_a_page_too():
    page = render_model_card({**TRAINER_CARD, "force_push_reason": "a trial"})
    assert page.startswith("# Model card: compact\n")
    assert "Figures" not in page


def test_the_page_is_one_of_the_files_whose_digests_the_card_holds(tmp_path):
    model = str(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"graph")
    write_model_card(model, {**TRAINER_CARD, "files": describe_files(model)})
    complete_model_card(model, FACTS)
    card = read_model_card(model)
    assert card["evaluation"]["accuracy"] == 0.925
    assert card["files"].keys() == {"saved_model.pb", "assets.extra/model_card.md"}
    assert find_damage(model) == ""
    (tmp_path / "assets.extra" / "model_card.md").write_text("# Another")
    assert find_damage(model) == "assets.extra/model_card.md is damaged"
