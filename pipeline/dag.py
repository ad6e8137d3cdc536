"""The graph of the pipeline, from top to bottom."""

from __future__ import annotations

import json
import os
from typing import Any

import tensorflow_data_validation as tfdv
from ml_metadata.proto import metadata_store_pb2
from tfx.components import SchemaGen, Trainer, Transform
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import pusher_pb2, trainer_pb2, transform_pb2
from tfx.types.channel import BaseChannel

import data
from components.baseline_model.component import BaselineModel
from components.curated_schema.component import CuratedSchema
from components.evaluator.component import BaselineAwareEvaluator
from components.evaluator.eval_config import build_eval_config
from components.evaluator.served.infra_validator import make_infra_validator
from components.example_validator.component import GatingExampleValidator
from components.example_validator.histograms import make_stats_options
from components.pusher.component import CARD, FORCE_PUSH_REASON, HOLD_LEASE, Pusher
from components.report.component import Report
from components.spectrogram_example_gen.component import SpectrogramExampleGen
from components.statistics_gen.component import CheckedStatisticsGen
from components.tuner.component import LeaderboardTuner
from data import example_features
from data.fingerprint import fingerprint_file
from pipeline.beam_args import make_beam_args
from pipeline.code_version import find_entry_modules, fingerprint_code
from pipeline.config.config import Config, ConfigError
from pipeline.config.secrets import dump_without_secrets
from trainer.tuning.search_space import SPACE

NAME = "radio-signals"
TRAINING = "trainer.training.run_fn"
SEARCH = "trainer.tuning.search.tuner_fn"

_NO_INFRA_VALIDATOR = (
    "serving_check.server_image: TFX's InfraValidator cannot run on Kubeflow Pipelines. Leave the "
    "key empty there; the model is still checked in a process with TensorFlow alone."
)


def create_pipeline(
    config: Config,
    root: str,
    serving_dir: str,
    accepted_statistics_dir: str,
    checkpoint_dir: str = "",
    warm_start_from: str = "",
    metadata: metadata_store_pb2.ConnectionConfig | None = None,
) -> Pipeline:
    """Return the pipeline, for any runner.

    Args:
      config: a checked configuration. `data` must be set.
      root: folder or bucket address for artifacts.
      serving_dir: folder for pushed models, with one folder for each version.
      accepted_statistics_dir: folder for the statistics of accepted data, with one folder for each
        span.
      checkpoint_dir: folder for checkpoints, from which an interrupted training resumes. They
        cannot be in the step's outputs, because TFX removes those of failed steps. Empty for no
        checkpoints.
      warm_start_from: a pushed model to start training from, or a folder of them; training then
        takes the newest that fits. Empty for random weights. The cache does not look into a
        folder, so a runner with a cache must name a model.
      metadata: the ML Metadata store; None if the runner brings its own.
    """
    # Labelled spectrograms are checked and become shuffled tf.Examples.
    example_gen = SpectrogramExampleGen(
        data=config.data,
        classes=list(config.classes),
        height=config.height,
        width=config.width,
        seed=config.seed,
        **config.input.model_dump(),
    ).with_id("SpectrogramExampleGen")

    # Statistics of the data, which must count every image, are compared with the schema and with
    # earlier data. Anomalies end the run.
    statistics_gen = CheckedStatisticsGen(
        examples=example_gen.outputs["examples"],
        stats_options=make_summary_options(with_images=config.infer_schema),
    ).with_id("StatisticsGen")
    schema_gen = _make_schema_step(config, statistics_gen.outputs["statistics"])
    example_validator = GatingExampleValidator(
        statistics=statistics_gen.outputs["statistics"],
        schema=schema_gen.outputs["schema"],
        accepted_statistics_dir=accepted_statistics_dir,
    ).with_id("ExampleValidator")

    # Images are reshaped and normalised by a graph that training and serving share. The graph is
    # applied when batches are read: stored float images would take four times the space.
    transform = Transform(
        examples=example_gen.outputs["examples"],
        schema=schema_gen.outputs["schema"],
        preprocessing_fn="trainer.preprocessing.preprocessing_fn",
        splits_config=transform_pb2.SplitsConfig(
            analyze=["train"], transform=["train", "validation"]
        ),
        materialize=False,
        disable_statistics=True,
        custom_config=config.model_dump(
            mode="json", include={"classes", "height", "width", "model", "normalise"}
        ),
    )
    transform.add_upstream_node(example_validator)

    training = {
        **config.training.model_dump(mode="json"),
        "initial_weights_digest": fingerprint_file(config.initial_weights),
        "warm_start_from": warm_start_from,
        "checkpoint_dir": checkpoint_dir,
    }

    # If enabled, a search looks for better training settings. A killed search resumes.
    tuner = None
    if config.tuning.enabled:
        tuner = LeaderboardTuner(
            tuner_fn=SEARCH,
            examples=example_gen.outputs["examples"],
            transform_graph=transform.outputs["transform_graph"],
            train_args=trainer_pb2.TrainArgs(splits=["train"]),
            eval_args=trainer_pb2.EvalArgs(splits=["validation"]),
            custom_config={
                **training,
                **_make_search_settings(config),
                "code": fingerprint_code(SEARCH),
            },
        ).with_id("Tuner")

    # A Keras model is trained. The weights of the best epoch are exported. A killed training
    # resumes, but not from checkpoints of other code.
    trainer = Trainer(
        run_fn=TRAINING,
        examples=example_gen.outputs["examples"],
        transform_graph=transform.outputs["transform_graph"],
        schema=schema_gen.outputs["schema"],
        train_args=trainer_pb2.TrainArgs(splits=["train"]),
        eval_args=trainer_pb2.EvalArgs(splits=["validation"]),
        hyperparameters=tuner.outputs["best_hyperparameters"] if tuner else None,
        custom_config={**training, "code": fingerprint_code(TRAINING)},
    )

    # If an image of TensorFlow Serving is named, the model must load and answer in it.
    infra_validator = None
    if config.serving_check.server_image:
        if metadata is None:
            raise ConfigError(_NO_INFRA_VALIDATOR)
        infra_validator = make_infra_validator(
            config.serving_check.server_image,
            model=trainer.outputs["model"],
            examples=example_gen.outputs["examples"],
        )

    # The new model is compared with the model in service. The first run has none.
    baseline_model = BaselineModel(model=trainer.outputs["model"], serving_dir=serving_dir)

    # Metrics with confidence intervals are computed over all images, by class, and separately for
    # faint and strong signals: of the test images if there are any, else of the validation images.
    # Meanwhile the model is asked in a process with TensorFlow alone. Thresholds, the baseline and
    # that process decide whether the model is blessed.
    evaluator = BaselineAwareEvaluator(
        examples=example_gen.outputs["examples"],
        model=trainer.outputs["model"],
        baseline_model=baseline_model.outputs["baseline"],
        schema=schema_gen.outputs["schema"],
        eval_config=build_eval_config(config.classes, **config.thresholds.model_dump()),
        most_seconds=config.serving_check.seconds,
        most_memory=config.serving_check.memory,
        infra_blessing=infra_validator.outputs["blessing"] if infra_validator else None,
    ).with_id("Evaluator")

    # Only a blessed model is pushed to the serving folder, unless a reason to force it is given.
    # Its card gets the metrics and describes the data.
    pusher = Pusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        evaluation=evaluator.outputs["evaluation"],
        examples=example_gen.outputs["examples"],
        push_destination=pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=serving_dir)
        ),
        # A runner that brings its own metadata runs on a cluster, where nothing else locks the
        # folder. A local run has locked its output folder.
        custom_config={
            FORCE_PUSH_REASON: config.force_push_reason,
            HOLD_LEASE: metadata is None,
            CARD: config.model_card.model_dump(),
        },
    )

    nodes = [
        example_gen,
        statistics_gen,
        schema_gen,
        example_validator,
        transform,
        *([tuner] if tuner else []),
        trainer,
        *([infra_validator] if infra_validator else []),
        baseline_model,
        evaluator,
        pusher,
    ]

    # The report shows the metrics on a page with plots, in scikit-learn's table and in JSON, and
    # names the data, code and models that they belong to.
    report = Report(
        examples=example_gen.outputs["examples"],
        statistics=statistics_gen.outputs["statistics"],
        schema=schema_gen.outputs["schema"],
        anomalies=example_validator.outputs["anomalies"],
        transform_graph=transform.outputs["transform_graph"],
        model=trainer.outputs["model"],
        model_run=trainer.outputs["model_run"],
        baseline=baseline_model.outputs["baseline"],
        evaluation=evaluator.outputs["evaluation"],
        blessing=evaluator.outputs["blessing"],
        pushed_model=pusher.outputs["pushed_model"],
        configuration=json.dumps(dump_without_secrets(config), sort_keys=True),
        pipeline_code=fingerprint_code(*nodes, Report),
    )
    nodes.append(report)

    for node in nodes:
        # The code of a step is part of its cache key. SchemaGen and InfraValidator are TFX's alone.
        if find_entry_modules(node):
            node.exec_properties["code"] = fingerprint_code(node)

    return Pipeline(
        pipeline_name=NAME,
        pipeline_root=root,
        components=nodes,
        metadata_connection_config=metadata,
        enable_cache=config.cache,
        beam_pipeline_args=make_beam_args(config.beam.args),
    )


def make_summary_options(*, with_images: bool = False) -> tfdv.StatsOptions:
    """Return options for statistics of the features that summarise a spectrogram.

    Args:
      with_images: whether to cover the stored images too. Statistics of their bytes mean nothing,
        but a schema can only be inferred for features that have statistics.
    """
    features = [*example_features.SUMMARIES, *([example_features.IMAGE] if with_images else [])]
    return make_stats_options(feature_allowlist=features)


def _make_search_settings(config: Config) -> dict[str, Any]:
    """Return what the Tuner gets in addition to the training settings."""
    # A search must not choose keys that have been set, in the sections it chooses from.
    sections = {key.partition(".")[0] for key in SPACE}
    fixed = [key for key in sorted(config.set_keys) if key.partition(".")[0] in sections]
    return {
        "epochs": config.tuning.epochs or max(1, config.epochs // 2),
        "tuning": {**config.tuning.model_dump(exclude={"enabled", "epochs"}), "fixed": fixed},
    }


def _make_schema_step(config: Config, statistics: BaseChannel) -> SchemaGen | CuratedSchema:
    if config.infer_schema:
        return SchemaGen(statistics=statistics, infer_feature_shape=True).with_id("Schema")
    if config.schema_file:
        return CuratedSchema(schema_file=config.schema_file).with_id("Schema")
    # The real path differs from one installation to the next.
    return CuratedSchema(find_packaged_schema(), shown_as="data/schema.pbtxt").with_id("Schema")


def find_packaged_schema() -> str:
    """Return the path of the curated schema in the package `data`."""
    return os.path.join(os.path.dirname(data.__file__), "schema.pbtxt")
