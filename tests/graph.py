"""The nodes that the graph must have, for every test that counts them."""

NODES = {
    "SpectrogramExampleGen",
    "StatisticsGen",
    "Schema",
    "ExampleValidator",
    "Transform",
    "Trainer",
    "BaselineModel",
    "Evaluator",
    "Pusher",
    "Report",
}
