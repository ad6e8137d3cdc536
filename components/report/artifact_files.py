"""Names of a report's artifact type and files. Light to import, because lists of runs need them."""

# The artifact type in ML Metadata. TFX's compiler for Kubeflow accepts only `package.Class`.
REPORT_TYPE = "components.ReportArtifact"
# Import path of its class.
REPORT_CLASS = "components.report.component.ReportArtifact"

METRICS_FILE = "metrics.json"
TABLE_FILE = "classification_report.txt"
PAGE_FILE = "report.html"
MISCLASSIFIED_FILE = "misclassified.csv"
