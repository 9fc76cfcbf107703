"""Connector types: a manifest becomes pure functions from values to requests and from answers to outcomes."""
