"""The one error that says: this input cannot be used, and here is the place."""


class InvalidData(ValueError):
    """Input files are missing, malformed or contradict the configuration.

    The message is one or two plain sentences: the file, the row and column (1-based, as an
    editor counts lines), what was found, what was expected, and the remedy.
    """
