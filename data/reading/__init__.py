"""Reads labelled spectrograms in every format, in chunks that workers read independently.

    layout.py       what a data set must look like: classes, size, how values and labels are written
    input_files.py  access to input files: on this machine, or any file system with the same methods
    formats/        one file for each format: find its files, divide them, count and read rows
    inventory.py    which files a folder holds, in which format, divided into chunks
    pictures/       from the bytes of a picture to grey levels
    scan.py         what one chunk holds, and everything that is wrong with it
    verdict.py      the findings of all chunks: errors, warnings, rows to drop
    judging/        which rows are equal, and which are for validation if no file says so
    check.py        all of this on one machine

Nothing here needs TensorFlow, Beam or TFX.
"""
