"""Views of data statistics and evaluations, for notebooks and pages, online and offline."""
