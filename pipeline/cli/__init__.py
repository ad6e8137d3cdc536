"""The command `radio-signals`: option wiring only."""
