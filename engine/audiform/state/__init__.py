"""What is recorded: Protocols here, one folder per backend."""
