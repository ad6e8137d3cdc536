"""The configuration: layers, defaults, and the words for every mistake."""

import pytest

from pipeline.config.config import ConfigError, known_keys, load_config


@pytest.fixture
def file(tmp_path):
    def write(text: str) -> str:
        path = tmp_path / "config.yaml"
        path.write_text(text)
        return str(path)

    return write


def test_defaults_stand_where_nothing_is_set():
    config = load_config()
    assert config.classes == ("squiggle", "narrowbanddrd", "narrowband", "noise")
    assert (config.height, config.width, config.model, config.output) == (
        64,
        128,
        "compact",
        "runs",
    )
    assert config.schedule.initial_rate is None, "the model's own"


def test_options_win_over_set_over_file_over_defaults(file):
    path = file("epochs: 1\nbatch_size: 2\nseed: 3\nthresholds: {accuracy: 0.5, class_recall: 0.4}")
    settings = ("batch_size=20", "seed=30", "thresholds.accuracy=0.6")
    config = load_config(path, settings, {"seed": 300, "model": None})
    assert (config.epochs, config.batch_size, config.seed) == (1, 20, 300)
    assert (config.thresholds.accuracy, config.thresholds.class_recall) == (0.6, 0.4)
    assert config.thresholds.class_precision == 0.8
    assert config.model == "compact"


def test_values_of_set_are_yaml():
    config = load_config(settings=("classes=[hum, noise]", "augment.flip_time=false"))
    assert config.classes == ("hum", "noise")
    assert config.augment.flip_time is False


def test_a_file_may_write_nested_keys_with_dots(file):
    config = load_config(file("thresholds.accuracy: 0.5\nthresholds: {class_recall: 0.4}"))
    assert (config.thresholds.accuracy, config.thresholds.class_recall) == (0.5, 0.4)


def test_an_empty_value_clears_a_text(file):
    path = file("initial_weights: best.weights.h5")
    assert load_config(path, ("initial_weights=",)).initial_weights == ""


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["epoch=3"], 'There is no configuration key "epoch". Did you mean "epochs"?'),
        (
            ["thresholds.acuracy=1"],
            'There is no configuration key "thresholds.acuracy". '
            'Did you mean "thresholds.accuracy"?',
        ),
        (
            ["output=gs://bucket/runs"],
            "output: it is a folder of this machine, because metadata are a SQLite file in it; "
            "what workers have to reach can be elsewhere: set artifacts to a bucket's address. "
            "Received: 'gs://bucket/runs'.",
        ),
        (["epochs"], '--set epochs: write key=value, for example "epochs=20".'),
        (["epochs=[1"], "--set epochs=[1: the value is not YAML."),
        (["epochs=0"], "epochs: input should be greater than or equal to 1. Received: 0."),
        (
            ["epochs=many"],
            "epochs: input should be a valid integer, unable to parse string as an integer. "
            "Received: 'many'.",
        ),
        (
            ["thresholds.accuracy=98"],
            "thresholds.accuracy: input should be less than or equal to 1. Received: 98.",
        ),
        (
            ["thresholds.class_recall={squigle: 0.9}"],
            'thresholds.class_recall: there is no class "squigle"; the nearest is "squiggle". '
            "Received: {'squigle': 0.9}.",
        ),
        (
            ["thresholds.class_precision.noise=2"],
            'thresholds.class_precision: the bound of "noise" is not a number from 0 to 1. '
            "Received: {'noise': 2}.",
        ),
        (
            ["thresholds.class_recall=high"],
            "thresholds.class_recall: it is a number from 0 to 1, or such a number for some class "
            "names. Received: 'high'.",
        ),
        (
            ["thresholds.class_recal.noise=0.9"],
            'There is no configuration key "thresholds.class_recal.noise". '
            'Did you mean "thresholds.class_recall"?',
        ),
        (
            ["model=huge"],
            "model: there is no such model; the models are compact, reference. Received: 'huge'.",
        ),
        (
            ["classes=[a, a]"],
            "classes: at least two different class names are needed. Received: ['a', 'a'].",
        ),
        (
            ["schedule=0.1"],
            "schedule: input should be a valid dictionary or instance of Schedule. Received: 0.1.",
        ),
        (
            ["schedule.kind=linear"],
            "schedule.kind: it is one of exponential, cosine, constant. Received: 'linear'.",
        ),
        (
            ["schedule.kind=cosine", "schedule.decay_rate=0.5"],
            "schedule: decay_rate is of the kind exponential, not of cosine. "
            "Received: {'kind': 'cosine', 'decay_rate': 0.5}.",
        ),
        (
            ["optimizer.name=lion"],
            "optimizer.name: it is one of adam, adamw, rmsprop, sgd. Received: 'lion'.",
        ),
        (
            ["optimizer.name=adam", "optimizer.momentum=0.9"],
            "optimizer: momentum is of sgd and rmsprop; adam has none to set. "
            "Received: {'name': 'adam', 'momentum': 0.9}.",
        ),
        (
            ["optimiser.name=adam"],
            'There is no configuration key "optimiser.name". Did you mean "optimizer.name"?',
        ),
        (
            ["class_weights.nois=2"],
            'class_weights: there is no class "nois"; the nearest is "noise". '
            "Received: {'nois': 2}.",
        ),
        (
            ["class_weights.noise=0"],
            "class_weights: it is balanced, or a weight above 0 for each of some class names. "
            "Received: {'noise': 0}.",
        ),
        (
            ["class_weights=equal"],
            "class_weights: it is balanced, or a weight above 0 for each of some class names. "
            "Received: 'equal'.",
        ),
        (
            ["normalise=row"],
            "normalise: it is one of image, levels. Received: 'row'.",
        ),
        (
            ["keep_best=accuracy"],
            "keep_best: it is one of val_accuracy, val_loss. Received: 'accuracy'.",
        ),
        (
            ["initial_weights=best.weights.h5", "warm_start=true"],
            "warm_start: training starts from initial_weights already; leave one of them out. "
            "Received: True.",
        ),
    ],
)
def test_a_mistake_is_named_with_its_key(settings, message):
    with pytest.raises(ConfigError) as refused:
        load_config(settings=tuple(settings))
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epochs: [1", r"config\.yaml is not YAML: "),
        ("- epochs", r"config\.yaml must hold keys and values"),
        ("augment: {flip: true}", r'no configuration key "augment\.flip"\. Did you mean "augment'),
    ],
)
def test_a_file_that_cannot_be_used_is_named(file, text, message):
    with pytest.raises(ConfigError, match=message):
        load_config(file(text))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.yaml does not exist"):
        load_config(str(tmp_path / "nowhere.yaml"))


def test_class_weights_are_balanced_or_by_class_name(file):
    assert load_config(settings=("class_weights=balanced",)).class_weights == "balanced"
    by_name = load_config(file("class_weights: {noise: 2}"), ("class_weights.squiggle=0.5",))
    assert by_name.class_weights == {"noise": 2, "squiggle": 0.5}
    own = load_config(settings=("classes=[hum, tone]", "class_weights.hum=3"))
    assert own.class_weights == {"hum": 3}


def test_bounds_are_one_for_all_classes_or_by_class_name(file):
    assert load_config(settings=("thresholds.class_recall=0.7",)).thresholds.class_recall == 0.7
    path = file("thresholds: {class_recall: {squiggle: 0.9}}")
    by_name = load_config(path, ("thresholds.class_recall.noise=0.5",)).thresholds
    assert by_name.class_recall == {"squiggle": 0.9, "noise": 0.5}
    assert by_name.class_precision == 0.8
    own = load_config(settings=("classes=[hum, tone]", "thresholds.class_precision.hum=0.9"))
    assert own.thresholds.class_precision == {"hum": 0.9}


def test_nested_keys_are_listed_with_dots():
    keys = set(known_keys())
    assert {"schema", "epochs", "schedule.staircase", "thresholds.baseline_margin"} <= keys
    assert "schema_file" not in keys


def test_a_file_address_is_a_path():
    assert load_config(options={"data": "file:///data/seti"}).data == "/data/seti"
    assert load_config(options={"data": "gs://bucket/seti"}).data == "gs://bucket/seti"


def test_keys_that_somebody_set_are_told_from_defaults_of_the_same_value(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("batch_size: 32\nschedule.kind: cosine\naugment:\n  noise: null\n")
    config = load_config(str(file), ("label_smoothing=0",), {"epochs": None, "model": "compact"})
    assert config.given == {"batch_size", "schedule.kind", "label_smoothing", "model"}
