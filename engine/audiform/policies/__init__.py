"""Policies: what must hold of a project and of a plan. Pure; what they find is placed and shown by others."""
