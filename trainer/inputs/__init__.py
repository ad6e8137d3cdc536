"""What a network is trained on: batches of images, augmented."""
