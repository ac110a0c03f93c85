"""Faster forms of an objective, each equal to the plain composition of p, q and divergence."""
