"""Stores of secrets, each asked by its vendor's own client library, which is imported when a secret is first asked for."""
