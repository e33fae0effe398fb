"""What is minimised in training, and how a fitted network is run."""
