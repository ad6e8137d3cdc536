"""Computes statistics of the examples, and checks that they cover all of them."""
