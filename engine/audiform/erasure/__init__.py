"""Forgets a person who asked for it: found in the ledger, taken out of every destination, never sent again."""
