"""Ingest of spectrogram CSV files into shuffled tf.Examples."""
