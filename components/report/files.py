"""What a report is made of, by name. Nothing heavy is loaded: lists of runs read these too."""

REPORT_TYPE = "RadioSignalsReport"

METRICS_FILE = "metrics.json"
TABLE_FILE = "classification_report.txt"
PAGE_FILE = "report.html"
MISCLASSIFIED_FILE = "misclassified.csv"
