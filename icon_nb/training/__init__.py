"""What the trainer and a run in progress are made of."""
