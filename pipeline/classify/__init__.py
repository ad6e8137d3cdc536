"""`radio-signals classify`: asks a pushed model for the classes of files and observations.

    find_model.py       the model that a folder holds
    inputs.py           from the files and folders that are given to blocks of spectrograms
    standard_input.py   rows of CSV from standard input
    tfrecords.py        stored tf.Examples
    batches.py          bad rows, batches, and reading ahead while TensorFlow computes
    tables.py           writes tables: CSV, lines of JSON, Parquet
    images.py           classifies spectrograms; a row for each
    gallery.py          the most and the least certain of each class
    scan.py             classifies the tiles of observations; a row for each candidate
    track.py            measures a candidate: frequency, drift rate, signal-to-noise ratio
    candidates.py       a candidate, and the union of those that are one signal
    progress_file.py    what an unfinished scan has found

It needs TensorFlow, not TFX.
"""
