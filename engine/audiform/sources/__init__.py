"""Where profiles are read from."""
