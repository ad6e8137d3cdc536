"""Everything that touches tensors: preprocessing, models, augmentation, training, export."""
