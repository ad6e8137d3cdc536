"""Searches observations: classifies their tiles, and measures those with a signal.

scan.py            classifies the tiles, and writes and draws the candidates
track.py           the line in a tile: frequency, drift rate, signal-to-noise ratio
candidates.py      a candidate, and the union of those that are one signal
progress_file.py   what an unfinished scan has found
plots.py           draws a candidate
"""
