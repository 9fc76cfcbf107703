"""Imported by the process that others are forked from: what takes time once is done already, and starts no thread."""

from __future__ import annotations

from audiform import transport

transport._trust()
