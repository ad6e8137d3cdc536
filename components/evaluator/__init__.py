"""TFX's Evaluator, for a baseline that may be absent."""
