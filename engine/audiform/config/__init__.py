"""Text to a rendered and checked `Project`: read, parse, render, validate, resolve references."""
