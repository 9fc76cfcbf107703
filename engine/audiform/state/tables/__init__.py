"""Records, journal, runs and figures as SQL that more than one database understands."""
