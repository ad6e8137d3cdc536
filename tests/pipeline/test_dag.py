"""The graph: its nodes, their order, and the steps that a changed key reruns."""

import json

import pytest
from tfx.dsl.compiler.compiler import Compiler
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.utils import json_utils

from pipeline.config.loading import load_config
from pipeline.dag import create_pipeline
from tests.graph import NODES
from trainer.settings import Settings, resolve
from trainer.tuning.search import SearchConfig


@pytest.fixture
def compiled(tmp_path):
    def compile_pipeline(*settings, **places):
        pipeline = create_pipeline(
            load_config(settings=(f"data={tmp_path}", *settings)),
            root=str(tmp_path / "artifacts"),
            serving_dir=str(tmp_path / "serving"),
            accepted_statistics_dir=str(tmp_path / "accepted_statistics"),
            **places,
            metadata=sqlite_metadata_connection_config(str(tmp_path / "metadata.sqlite")),
        )
        nodes = [node.pipeline_node for node in Compiler().compile(pipeline).nodes]
        return {node.node_info.id: node for node in nodes}

    return compile_pipeline


def changed(before, after):
    """Return the steps that run again, without Report, which shows the whole configuration."""
    steps = {node for node in after if after[node].parameters != before[node].parameters}
    return steps - {"Report"}


def test_tuning_is_a_step_before_training_only_on_request(compiled):
    nodes = list(compiled("tuning.enabled=true"))
    assert set(nodes) == NODES | {"Tuner"}
    assert nodes.index("Transform") < nodes.index("Tuner") < nodes.index("Trainer")
    trainer = compiled("tuning.enabled=true")["Trainer"]
    (channel,) = trainer.inputs.inputs["hyperparameters"].channels
    assert channel.producer_node_query.id == "Tuner"


@pytest.mark.parametrize(
    ("setting", "touched"),
    [
        ("tuning.trials=3", {"Tuner"}),
        ("tuning.minutes=5", {"Tuner"}),
        ("tuning.epochs=2", {"Tuner"}),
        ("schedule.initial_rate=0.1", {"Tuner", "Trainer"}),
        # Even when set to its default, a key is no longer chosen by the search.
        ("batch_size=32", {"Tuner"}),
        ("thresholds.accuracy=0.5", {"Evaluator"}),
    ],
)
def test_a_setting_of_a_search_touches_the_search(compiled, setting, touched):
    search = "tuning.enabled=true"
    assert changed(compiled(search), compiled(search, setting)) == touched


def test_the_graph_has_the_documented_nodes(compiled):
    assert set(compiled()) == NODES


def test_nothing_is_trained_before_the_data_are_validated(compiled):
    nodes = list(compiled())
    assert nodes.index("ExampleValidator") < nodes.index("Transform") < nodes.index("Trainer")
    assert "ExampleValidator" in compiled()["Transform"].upstream_nodes


@pytest.mark.parametrize(
    ("setting", "touched"),
    [
        ("epochs=3", {"Trainer"}),
        ("schedule.initial_rate=0.1", {"Trainer"}),
        ("augment.noise=0.1", {"Trainer"}),
        # The model decides what it sees: standardised spectrograms or grey levels.
        ("model=reference", {"Transform", "Trainer"}),
        ("normalise=levels", {"Transform", "Trainer"}),
        ("optimizer.name=sgd", {"Trainer"}),
        ("class_weights=balanced", {"Trainer"}),
        ("mixed_precision=true", {"Trainer"}),
        ("thresholds.accuracy=0.5", {"Evaluator"}),
        ("serving_check.memory=2", {"Evaluator"}),
        ("height=32", {"SpectrogramExampleGen", "Transform", "Trainer"}),
    ],
)
def test_a_setting_touches_only_the_steps_that_use_it(compiled, setting, touched):
    assert changed(compiled(), compiled(setting)) == touched


def test_another_model_to_start_from_is_another_training(compiled):
    first, second = (compiled(warm_start_from=f"serving/{version}") for version in (1, 2))
    assert changed(first, second) == {"Trainer"}


DIGEST = "sha256:" + 64 * "a"


@pytest.mark.parametrize(
    ("image", "server"),
    [
        ("tensorflow/serving:2.20.0", {"image_name": "tensorflow/serving", "tags": ["2.20.0"]}),
        (
            f"registry.example:5000/serving@{DIGEST}",
            {"image_name": "registry.example:5000/serving", "digests": [DIGEST]},
        ),
    ],
)
def test_the_evaluator_waits_for_tensorflow_serving_if_its_image_is_named(compiled, image, server):
    nodes = compiled(f"serving_check.server_image={image}")
    assert set(nodes) == NODES | {"InfraValidator"}
    spec = nodes["InfraValidator"].parameters.parameters["serving_spec"].field_value.string_value
    assert json.loads(spec) == {
        "tensorflow_serving": server,
        "model_name": "radio-signals",
        "local_docker": {},
    }
    (channel,) = nodes["Evaluator"].inputs.inputs["infra_blessing"].channels
    assert channel.producer_node_query.id == "InfraValidator"
    assert list(nodes).index("InfraValidator") < list(nodes).index("Evaluator")


def custom_config(node):
    return json_utils.loads(node.parameters.parameters["custom_config"].field_value.string_value)


def test_training_takes_every_key_that_the_graph_passes(compiled):
    passed = custom_config(compiled("epochs=3", "class_weights.noise=2")["Trainer"])
    settings = resolve(passed)
    assert passed.keys() == Settings.model_fields.keys() - {"tuned"}
    assert (settings.epochs, settings.class_weights) == (3, {"noise": 2.0})


def test_a_search_takes_every_key_that_the_graph_passes(compiled):
    passed = custom_config(compiled("tuning.enabled=true", "batch_size=64")["Tuner"])
    tuning = SearchConfig.model_validate(passed.pop("tuning"))
    assert (tuning.trials, tuning.fixed) == (20, ("batch_size",))
    assert resolve(passed).epochs == 6, "half the epochs of training"


def test_the_schema_is_inferred_on_request(compiled):
    assert compiled()["Schema"].node_info.type.name.endswith("CuratedSchema")
    inferred = compiled("infer_schema=true")["Schema"]
    assert inferred.node_info.type.name.endswith("component.SchemaGen")


def test_a_schema_edited_in_place_is_imported_again(compiled, tmp_path):
    schema = tmp_path / "schema.pbtxt"
    schema.write_text('feature { name: "image" }')
    before = compiled(f"schema={schema}")
    schema.write_text('feature { name: "label" }')
    assert changed(before, compiled(f"schema={schema}")) == {"Schema"}
