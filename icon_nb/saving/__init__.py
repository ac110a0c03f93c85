"""Files that are whole or absent: saved runs, checkpoints, studies."""
