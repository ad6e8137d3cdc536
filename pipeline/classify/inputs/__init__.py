"""From the files and folders that are given to batches of spectrograms.

finder.py           what there is to classify: files, folders, standard input
parts.py            the spectrograms of one file or folder
standard_input.py   rows of CSV from standard input
tfrecords.py        stored tf.Examples
batches.py          bad rows, batches, and reading ahead while TensorFlow computes
"""
