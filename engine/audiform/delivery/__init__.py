"""Brings a destination to what its audience says: one binding at a time, many side by side."""
