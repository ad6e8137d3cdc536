"""Reads labelled spectrograms and writes shuffled tf.Examples."""
