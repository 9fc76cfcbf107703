"""The command line: one file per command, views apart from what they show."""
