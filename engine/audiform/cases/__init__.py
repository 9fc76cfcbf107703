"""Runs what a connector type says of itself against itself: its cases, and those that every type passes."""
