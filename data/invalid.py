"""The error of input that cannot be used."""


class InvalidData(ValueError):  # noqa: N818 - the data are at fault, not the program
    """Input files are missing, malformed or contradict the configuration.

    The message is one or two plain sentences: the file, the row and column (1-based, as an
    editor counts lines), what was found, what was expected, and the remedy.
    """
