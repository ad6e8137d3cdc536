"""A model card: what the Trainer writes, and what the Pusher adds."""

CLASSES = ["squiggle", "noise_1"]
TRAINER_CARD = {
    "model_id": "0123456789abcdef0123",
    "classes": CLASSES,
    "height": 64,
    "width": 128,
    "normalise": "image",
    "training": {
        "model": "compact",
        "parameters": 36716,
        "epochs": 12,
        "best_epoch": 9,
        "batch_size": 32,
        "seed": 0,
        "seconds": 60.4,
        "started_from": {"kind": "random"},
        "calibration": {"temperature": 0.61},
    },
    "versions": {"python": "3.10.13", "tensorflow": "2.16.2"},
}
MEASURED = {"precision": 0.9, "recall": 0.95, "f1": None, "auc": 0.99, "support": 100}
INTERVALS = {"precision": [0.85, 0.94], "recall": [0.9, 0.98], "f1": None, "auc": None}
FACTS = {
    "data": {
        "source": "set (SIMULATED: preset basic, seed 0)",
        "simulated": True,
        "fingerprint": "sha256:aa",
        "images": {"train": {"squiggle": 1600, "noise_1": 400}, "validation": {"squiggle": 100}},
        "dropped_rows": 3,
    },
    "evaluation": {
        "split": "validation",
        "level": 0.95,
        "images": 200,
        "accuracy": 0.925,
        "balanced_accuracy": 0.925,
        "lowest_recall": 0.9,
        "classes": dict.fromkeys(CLASSES, MEASURED),
        "intervals": {
            "accuracy": [0.88, 0.954],
            "balanced_accuracy": [0.88, 0.95],
            "classes": dict.fromkeys(CLASSES, INTERVALS),
        },
        "confusion_matrix": [[95, 5], [10, 90]],
        "line_strengths": [
            {"value": "below 5", "images": 100, "accuracy": 0.9, "interval": [0.83, 0.94]}
        ],
    },
    "thresholds": [{"metric": "recall of noise_1", "at_least": 0.8, "measured": 0.9}],
    "failed_thresholds": [],
    "serving": {"load_seconds": 0.61, "warm_up_seconds": 1.2, "memory_bytes": 690_000_000},
    "licence": "CC-BY-4.0",
    "contact": "radio@example.org",
}
