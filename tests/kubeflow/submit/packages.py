"""A small package to submit, and the installed command."""

import json
import sys
from pathlib import Path

import yaml

COMMAND = Path(sys.executable).with_name("radio-signals")
STEPS = ("SpectrogramExampleGen", "Trainer", "Pusher")
SPEC = {
    "schemaVersion": "2.1.0",
    "sdkVersion": "tfx-1.16.0",
    "pipelineInfo": {"name": "radio-signals"},
    "deploymentSpec": {"executors": {}},
    "components": {step: {"executorLabel": step} for step in STEPS},
    "root": {
        "dag": {
            "tasks": {
                step: {
                    "taskInfo": {"name": step},
                    "componentRef": {"name": step},
                    "cachingOptions": {"enableCache": True},
                }
                for step in STEPS
            }
        },
        "inputDefinitions": {
            "parameters": {
                "data": {"parameterType": "STRING", "defaultValue": "gs://bucket/data"},
                "epochs": {"parameterType": "NUMBER_INTEGER", "defaultValue": 12},
                "rate": {"parameterType": "NUMBER_DOUBLE", "defaultValue": 0.001},
                "warm_start": {"parameterType": "BOOLEAN", "defaultValue": False},
                "classes": {"parameterType": "LIST", "defaultValue": ["noise"]},
                "schedule": {"parameterType": "STRUCT", "defaultValue": {}},
            }
        },
    },
}
PLATFORM = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {}}}}}


def write_package(folder, *more, **changes):
    file = folder / "package.yaml"
    file.write_text(yaml.safe_dump_all([{**SPEC, **changes}, *more], sort_keys=False))
    return file


def with_required(folder, name):
    root = json.loads(json.dumps(SPEC["root"]))
    del root["inputDefinitions"]["parameters"][name]["defaultValue"]
    return write_package(folder, root=root)
