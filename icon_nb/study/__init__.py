"""Runs: one, several, compared, kept in a folder and read back. How people ask for them is in ``interfaces/``."""
