"""File names inside the Trainer's `model_run` artifact."""

import os

BEST_WEIGHTS = os.path.join("weights", "best.weights.h5")
TRAINING_LOG = "training_log.csv"
TRAINING_FACTS = "training.json"
TENSORBOARD = "tensorboard"
WORKER_ARGUMENTS = "worker.json"
