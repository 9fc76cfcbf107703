"""The ways out that are not HTTP: a module each, behind the same one method."""
