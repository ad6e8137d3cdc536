"""The pages of reports: of one run, and of two runs side by side."""
