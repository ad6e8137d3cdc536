"""Pictures of spectrograms: galleries, contrast, names of classes as labels."""
