"""`radio-signals classify`: asks a pushed model for the classes of files and observations.

    command.py      finds model and input, classifies, and says what came of it
    find_model.py   the model that a folder holds
    inputs/         from the files and folders that are given to batches of spectrograms
    images.py       classifies spectrograms; a row for each
    extremes.py     the most and the least certain images of each class
    observations/   searches observations; a row for each candidate
    tables.py       writes tables: CSV, lines of JSON, Parquet
    summary.py      what is printed

It needs TensorFlow, not TFX.
"""
