"""Checks the exported model as a server will use it: in a process with TensorFlow alone."""
