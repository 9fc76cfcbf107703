"""What differs between what was applied and what the platforms have now."""
