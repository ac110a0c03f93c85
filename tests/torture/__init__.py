"""Torture: runs killed at any moment, files damaged in every way, settings and data made up by a machine."""
