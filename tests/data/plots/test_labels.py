"""Names are drawn as they are, whatever characters they have."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from data.plots.gallery import plot_examples
from data.plots.labels import escape_label

NAMES = [r"a$_$b", "$", "$$", r"\$x^$", "^", "\\", "_", "_$_$", "x_y^z", "{", "%", "#&~"]


def draw_figure(figure: Figure) -> np.ndarray:
    """Draw a figure with all its texts; return uint8 [height, width, 4]."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def draw(text: str, **options) -> np.ndarray:
    figure = Figure(figsize=(2, 0.5))
    figure.text(0.1, 0.5, text, **options)
    return draw_figure(figure)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_drawn_as_text_without_formulas(name):
    plain = draw(f" {name}" if name.startswith("_") else name, parse_math=False)
    np.testing.assert_array_equal(draw(escape_label(name)), plain)


def test_names_that_begin_with_an_underscore_are_in_legends():
    axes = Figure().add_subplot()
    axes.plot([0, 1], label=escape_label("_hidden"))
    assert [text.get_text() for text in axes.legend().get_texts()] == [" _hidden"]


def test_a_gallery_shows_any_names():
    examples = {name: np.zeros((1, 2, 3), np.uint8) for name in NAMES}
    figure = plot_examples(examples, title="folder $a$_$b")
    draw_figure(figure)
    assert [axes.get_title() for axes in figure.axes] == [escape_label(name) for name in NAMES]
