"""What is read off embeddings and runs: probes, curves, tables."""
