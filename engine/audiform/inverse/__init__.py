"""The plan that undoes an entry of the history, while the ledger still knows whom it moved."""
