"""An ExampleValidator that compares data with earlier data and fails the run on anomalies."""
