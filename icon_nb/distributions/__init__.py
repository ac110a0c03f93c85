"""What p and q are made of: neighbourhoods, graphs, clusters, and the limits of the temperature."""
