"""The ledger as files that are written once, and one list per destination; a backend says where they are kept."""
