"""Audiences as SQL: who shall be a member, what differs from the ledger, how it is cut into batches. Pure."""
