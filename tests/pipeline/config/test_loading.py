"""The configuration: layers, defaults, and the message for every mistake."""

import pytest

from pipeline.config.config import Config, ConfigError
from pipeline.config.keys import list_keys
from pipeline.config.loading import load_config
from trainer.config import TrainingConfig, merge


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
            "output: the output folder must be on this machine, because it holds metadata in a "
            "SQLite file. To keep artifacts where workers can reach them, set artifacts to the "
            "address of a bucket. Received: 'gs://bucket/runs'.",
        ),
        (
            ["artifacts=s3://bucket/artifacts"],
            "artifacts: TensorFlow writes artifacts, and opens neither s3:// nor minio://. Use a "
            "folder that all workers reach, or a bucket of Google's (gs://). Received: "
            "'s3://bucket/artifacts'.",
        ),
        (["epochs"], '--set epochs: write key=value, for example "epochs=20".'),
        (["epochs=[1"], "--set epochs: the value is not YAML."),
        (["epochs=0"], "epochs: it must be a whole number of at least 1. Received: 0."),
        (
            ["epochs=many"],
            "epochs: it must be a whole number of at least 1. Received: 'many'.",
        ),
        (
            ["thresholds.accuracy=98"],
            "thresholds.accuracy: it must be a number from 0 to 1. Received: 98.",
        ),
        (
            ["thresholds.class_recall={squigle: 0.9}"],
            'thresholds: class_recall: there is no class "squigle". Did you mean "squiggle"? '
            "Received: {'class_recall': {'squigle': 0.9}}.",
        ),
        (
            ["thresholds.class_precision.noise=2"],
            "thresholds.class_precision: it must be a number from 0 to 1, or a mapping of names to "
            "numbers from 0 to 1. Received: {'noise': 2}.",
        ),
        (
            ["thresholds.class_recall=true"],
            "thresholds.class_recall: it must be a number from 0 to 1, or a mapping of names to "
            "numbers from 0 to 1. Received: True.",
        ),
        (
            ["thresholds.class_recal.noise=0.9"],
            'There is no configuration key "thresholds.class_recal". '
            'Did you mean "thresholds.class_recall"?',
        ),
        (
            ["kubeflow.resources.Trainer.cpus=4"],
            'There is no configuration key "kubeflow.resources.Trainer.cpus". '
            'Did you mean "kubeflow.resources.Trainer.cpu"?',
        ),
        (
            ["kubeflow.resources.Trainer.cpu=0"],
            "kubeflow.resources.Trainer.cpu: it must be a number above 0. Received: 0.",
        ),
        (
            ["kubeflow.tolerations=[{operator: Same}]"],
            "kubeflow.tolerations.0.operator: it must be one of Equal, Exists. Received: 'Same'.",
        ),
        # The key is named first, whatever else is wrong.
        (
            ["initial_rate=0.1", "epochs=0"],
            'There is no configuration key "initial_rate". Did you mean "schedule.initial_rate"?',
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
            "schedule: it must be a section with the keys kind, initial_rate, warmup_epochs, "
            "decay_steps, decay_rate, staircase. Received: 0.1.",
        ),
        (
            ["schedule.kind=linear"],
            "schedule.kind: it must be one of exponential, cosine, constant. Received: 'linear'.",
        ),
        (
            ["schedule.kind=cosine", "schedule.decay_rate=0.5"],
            "schedule: decay_rate is for the kind exponential, not for cosine. "
            "Received: {'kind': 'cosine', 'decay_rate': 0.5}.",
        ),
        (
            ["optimizer.name=lion"],
            "optimizer.name: it must be one of adam, adamw, rmsprop, sgd. Received: 'lion'.",
        ),
        (
            ["optimizer.name=adam", "optimizer.momentum=0.9"],
            "optimizer: momentum is for sgd and rmsprop, not for adam. "
            "Received: {'name': 'adam', 'momentum': 0.9}.",
        ),
        (
            ["optimiser.name=adam"],
            'There is no configuration key "optimiser". Did you mean "optimizer"?',
        ),
        (
            ["class_weights.nois=2"],
            'class_weights: there is no class "nois". Did you mean "noise"? '
            "Received: {'nois': 2}.",
        ),
        (
            ["class_weights.noise=0"],
            "class_weights: it must be balanced, or a mapping of names to numbers above 0. "
            "Received: {'noise': 0}.",
        ),
        (
            ["class_weights=equal"],
            "class_weights: it must be balanced, or a mapping of names to numbers above 0. "
            "Received: 'equal'.",
        ),
        (
            ["normalise=row"],
            "normalise: it must be one of image, levels. Received: 'row'.",
        ),
        (
            ["keep_best=accuracy"],
            "keep_best: it must be one of val_accuracy, val_loss. Received: 'accuracy'.",
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
    keys = set(list_keys())
    assert {"schema", "epochs", "schedule.staircase", "thresholds.baseline_margin"} <= keys
    assert "schema_file" not in keys


def test_a_file_address_is_a_path():
    assert load_config(options={"data": "file:///data/seti"}).data == "/data/seti"
    assert load_config(options={"data": "gs://bucket/seti"}).data == "gs://bucket/seti"


def test_keys_that_somebody_set_are_told_from_defaults_of_the_same_value(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("batch_size: 32\nschedule.kind: cosine\naugment:\n  noise: null\n")
    config = load_config(str(file), ("label_smoothing=0",), {"epochs": None, "model": "compact"})
    assert config.set_keys == {"batch_size", "schedule.kind", "label_smoothing", "model"}


def test_the_keys_of_training_are_a_configuration_of_their_own():
    config = load_config(settings=("epochs=3", "schedule.kind=cosine", "class_weights=balanced"))
    assert config.training == TrainingConfig(
        epochs=3, schedule={"kind": "cosine"}, class_weights="balanced"
    )
    assert set(TrainingConfig.model_fields) < set(Config.model_fields)


def test_names_of_classes_may_look_like_numbers(file):
    config = load_config(file("classes: ['0', '1']\nclass_weights: {0: 2}"))
    assert config.class_weights == {"0": 2}


def test_later_layers_win_key_by_key_and_what_is_null_wins_nothing():
    base = {"epochs": 3, "schedule": {"kind": "cosine", "initial_rate": 0.1}, "beam": None}
    assert merge(base, {"epochs": None, "schedule": {"kind": "constant"}}) == {
        "epochs": 3,
        "schedule": {"kind": "constant", "initial_rate": 0.1},
    }
    assert merge({"class_recall": 0.7}, {"class_recall": {"noise": 0.5}}) == {
        "class_recall": {"noise": 0.5}
    }
