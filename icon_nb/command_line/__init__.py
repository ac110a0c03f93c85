"""Flags, subcommands, and what a run of the command line leaves behind."""
