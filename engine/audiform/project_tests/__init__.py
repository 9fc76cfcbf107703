"""Runs a project's own tests: given rows, real queries, real requests; nothing leaves this machine."""
