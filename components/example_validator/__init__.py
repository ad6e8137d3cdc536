"""TFX's ExampleValidator, made to compare data with earlier data and to stop the run."""
