"""The graph, top to bottom."""

from __future__ import annotations

import json
from typing import Any

import tensorflow_data_validation as tfdv
from ml_metadata.proto import metadata_store_pb2
from tfx.components import Pusher, SchemaGen, StatisticsGen, Trainer, Transform
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import pusher_pb2, trainer_pb2, transform_pb2
from tfx.types.channel import BaseChannel

from components.baseline_model.component import BaselineModel
from components.curated_schema.component import CuratedSchema
from components.evaluator.component import BaselineAwareEvaluator
from components.evaluator.eval_config import build_eval_config
from components.example_validator.component import GatingExampleValidator
from components.example_validator.histograms import make_stats_options
from components.report.component import Report
from components.spectrogram_example_gen.component import SpectrogramExampleGen
from components.tuner.component import LeaderboardTuner
from data import example_features
from data.fingerprint import fingerprint_file
from pipeline.beam_args import beam_args
from pipeline.code_version import code_fingerprint, entry_modules
from pipeline.config.config import Config, packaged_schema
from trainer.tuning.search_space import SPACE

NAME = "radio-signals"
TRAINING = "trainer.training.run_fn"


def create_pipeline(
    config: Config,
    root: str,
    serving_dir: str,
    accepted_statistics_dir: str,
    checkpoint_dir: str = "",
    warm_start_from: str = "",
    metadata: metadata_store_pb2.ConnectionConfig | None = None,
) -> Pipeline:
    """Return the pipeline, for whichever runner takes it.

    Args:
      config: a checked configuration; `data` is set.
      root: where artifacts go, a folder or a bucket address.
      serving_dir: where blessed models go, one folder a version.
      accepted_statistics_dir: where statistics of accepted data go, one folder a span.
      checkpoint_dir: where training leaves what it can go on from if it is killed, one folder a
        run; TFX removes the output of steps that failed. Empty for nowhere.
      warm_start_from: a pushed model to start training from, or a folder of them, of which
        training takes the newest that fits; empty for random weights. A folder is no part of
        what the cache goes by, so a runner with a cache names a model.
      metadata: the ML Metadata store; None where the runner brings its own.
    """
    layout = {"classes": list(config.classes), "height": config.height, "width": config.width}

    # Labelled spectrograms, checked, become shuffled tf.Examples.
    example_gen = SpectrogramExampleGen(
        data=config.data, seed=config.seed, **layout, **config.input.model_dump()
    ).with_id("SpectrogramExampleGen")

    # What the data look like, whether that is how they should look, and whether it is how they
    # looked before. Anomalies end the run.
    statistics_gen = StatisticsGen(
        examples=example_gen.outputs["examples"],
        # A schema is inferred from statistics, so those must be of the images as well then.
        stats_options=summary_statistics(example_features.IMAGE)
        if config.infer_schema
        else summary_statistics(),
    )
    schema_gen = _schema(config, statistics_gen.outputs["statistics"])
    example_validator = GatingExampleValidator(
        statistics=statistics_gen.outputs["statistics"],
        schema=schema_gen.outputs["schema"],
        accepted_statistics_dir=accepted_statistics_dir,
    ).with_id("ExampleValidator")

    # Reshape and normalise, as a graph that training and serving share. It is applied as
    # batches are read; written out, the float images would be four times the stored bytes.
    transform = Transform(
        examples=example_gen.outputs["examples"],
        schema=schema_gen.outputs["schema"],
        preprocessing_fn="trainer.preprocessing.preprocessing_fn",
        splits_config=transform_pb2.SplitsConfig(
            analyze=["train"], transform=["train", "validation"]
        ),
        materialize=False,
        disable_statistics=True,
        custom_config={**layout, "model": config.model, "normalise": config.normalise},
    )
    transform.add_upstream_node(example_validator)

    training = {
        **layout,
        "model": config.model,
        "epochs": config.epochs,
        "batch_size": config.batch_size,
        "seed": config.seed,
        "schedule": config.schedule.model_dump(),
        "augment": config.augment.model_dump(),
        "optimizer": config.optimizer.model_dump(),
        "normalise": config.normalise,
        "label_smoothing": config.label_smoothing,
        "class_weights": config.class_weights,
        "initial_weights": config.initial_weights,
        "initial_weights_digest": fingerprint_file(config.initial_weights),
        "warm_start_from": warm_start_from,
        "early_stopping": config.early_stopping,
        "keep_best": config.keep_best,
        "calibrate": config.calibrate,
        "mixed_precision": config.mixed_precision,
        "steps_per_execution": config.steps_per_execution,
        "strategy": config.strategy,
        "checkpoint_dir": checkpoint_dir,
        # Checkpoints of other code are not gone on with.
        "code": code_fingerprint(TRAINING),
    }

    # On request, a search for better settings of training. A killed search goes on.
    tuner = None
    if config.tuning.enabled:
        tuner = LeaderboardTuner(
            tuner_fn="trainer.tuning.search.tuner_fn",
            examples=example_gen.outputs["examples"],
            transform_graph=transform.outputs["transform_graph"],
            train_args=trainer_pb2.TrainArgs(splits=["train"]),
            eval_args=trainer_pb2.EvalArgs(splits=["validation"]),
            custom_config={**training, **_tuning(config)},
        ).with_id("Tuner")

    # A Keras CNN; the exported model is the one of the best epoch. A killed run goes on.
    trainer = Trainer(
        run_fn=TRAINING,
        examples=example_gen.outputs["examples"],
        transform_graph=transform.outputs["transform_graph"],
        schema=schema_gen.outputs["schema"],
        train_args=trainer_pb2.TrainArgs(splits=["train"]),
        eval_args=trainer_pb2.EvalArgs(splits=["validation"]),
        hyperparameters=tuner.outputs["best_hyperparameters"] if tuner else None,
        custom_config=training,
    )

    # The model in service, to be beaten; none on the first run.
    baseline_model = BaselineModel(model=trainer.outputs["model"], serving_dir=serving_dir)

    # Accuracy, and figures by class and for faint and strong signals apart, with intervals;
    # thresholds and baseline decide.
    evaluator = BaselineAwareEvaluator(
        examples=example_gen.outputs["examples"],
        model=trainer.outputs["model"],
        baseline_model=baseline_model.outputs["baseline"],
        schema=schema_gen.outputs["schema"],
        example_splits=["validation"],
        eval_config=build_eval_config(config.classes, **config.thresholds.model_dump()),
        module_path="components.evaluator.slices",
    ).with_id("Evaluator")

    # Only a blessed model is served.
    pusher = Pusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        push_destination=pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=serving_dir)
        ),
    )

    nodes = [
        example_gen,
        statistics_gen,
        schema_gen,
        example_validator,
        transform,
        *([tuner] if tuner else []),
        trainer,
        baseline_model,
        evaluator,
        pusher,
    ]

    # The same metrics for people: a page with plots, scikit-learn's table, and JSON. All of them
    # name the data, the code and the models that they are about.
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
        configuration=json.dumps(config.model_dump(mode="json"), sort_keys=True),
        pipeline_code=code_fingerprint(*nodes, Report),
    )
    nodes.append(report)

    for node in nodes:
        # The code of a step is part of its cache key. Steps that run TFX alone have none.
        if entry_modules(node):
            node.exec_properties["code"] = code_fingerprint(node)

    return Pipeline(
        pipeline_name=NAME,
        pipeline_root=root,
        components=nodes,
        metadata_connection_config=metadata,
        enable_cache=config.cache,
        beam_pipeline_args=beam_args(config.beam.args),
    )


def summary_statistics(*further: str) -> tfdv.StatsOptions:
    """Statistics of what describes a spectrogram; of its thousands of bytes they say nothing."""
    return make_stats_options(feature_allowlist=[*example_features.SUMMARIES, *further])


def _tuning(config: Config) -> dict[str, Any]:
    """What the Tuner is told beyond what the Trainer is."""
    tuning = config.tuning.model_dump(exclude={"enabled", "epochs"})
    # What somebody set in the sections that a search chooses in is not its to choose.
    sections = {key.partition(".")[0] for key in SPACE}
    fixed = [key for key in sorted(config.given) if key.partition(".")[0] in sections]
    return {
        "epochs": config.tuning.epochs or max(1, config.epochs // 2),
        "tuning": {**tuning, "fixed": fixed},
    }


def _schema(config: Config, statistics: BaseChannel) -> SchemaGen | CuratedSchema:
    if config.infer_schema:
        return SchemaGen(statistics=statistics, infer_feature_shape=True).with_id("Schema")
    if config.schema_file:
        return CuratedSchema(schema_file=config.schema_file).with_id("Schema")
    # Not by a path that differs from one installation to the next.
    return CuratedSchema(packaged_schema(), shown_as="data/schema.pbtxt").with_id("Schema")
