"""What a report is made of, by name. Nothing heavy is loaded: lists of runs read these too."""

# Where Kubeflow runs a step, the type of an artifact is found again by this name: it is an import.
REPORT_TYPE = "components.ReportArtifact"

METRICS_FILE = "metrics.json"
TABLE_FILE = "classification_report.txt"
PAGE_FILE = "report.html"
MISCLASSIFIED_FILE = "misclassified.csv"
