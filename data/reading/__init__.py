"""Reading of labelled spectrograms, in every format, in parts that workers read independently.

    layout.py    what a data set must look like: classes, size, how values and labels are written
    files.py     where files come from: this machine, or any file system that offers the same
    formats/     one file a format: find its files, divide them, count and read rows
    inventory.py which files a folder holds, in which format, divided into parts
    scan.py      what one part holds, and everything that is wrong with it
    findings.py  the verdict over all parts: errors, warnings, rows to drop
    check.py     all of it on one machine

Nothing here needs TensorFlow, Beam or TFX.
"""
