"""What happened, and what an event connector makes of it: pure."""
