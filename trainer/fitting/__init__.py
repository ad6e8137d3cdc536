"""Fits a network: loss, optimizer, learning rate, epochs, checkpoints."""
