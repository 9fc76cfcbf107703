"""What a guard or a policy does to a command: it ends before anything is sent, and that is no error."""

from __future__ import annotations


class Stopped(Exception):  # noqa: N818 - an outcome, not an error
    """A guard or a policy stopped the command; the message says which, and how to go on. Exit code 3."""
