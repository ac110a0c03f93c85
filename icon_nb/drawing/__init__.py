"""From a trajectory to pixels: projections, layout, panels, overlays, and the formats."""
