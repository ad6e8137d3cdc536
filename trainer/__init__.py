"""Everything that works on tensors: preprocessing, models, training, tuning and export."""
