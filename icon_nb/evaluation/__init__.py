"""Numbers: the trajectory of an embedding, its scores, its dynamics, and what they say about a run. Nothing here draws."""
