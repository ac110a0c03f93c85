"""Runs and comparisons as folders of plain files."""
