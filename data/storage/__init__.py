"""The files that a pipeline keeps, in local folders and in object stores.

Everything is read and written through `data.storage.files`, except the input data that ExampleGen
reads through Beam's FileSystems, and what TensorFlow, Beam and TFX read and write themselves.
"""
