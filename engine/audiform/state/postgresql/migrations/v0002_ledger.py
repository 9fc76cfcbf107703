"""Version 2: the ledger's files, in pieces, and the lists that say which count."""

from __future__ import annotations

STATEMENTS = (
    'CREATE TABLE ledger_list (destination TEXT COLLATE "C" PRIMARY KEY, segments TEXT NOT NULL)',
    # `pieces` is null until all of them are there.
    """CREATE TABLE ledger_file (
        destination TEXT COLLATE "C" NOT NULL, file TEXT COLLATE "C" NOT NULL, pieces INTEGER,
        kept TIMESTAMPTZ NOT NULL DEFAULT now(), PRIMARY KEY (destination, file)
    )""",
    """CREATE TABLE ledger_piece (
        destination TEXT COLLATE "C" NOT NULL, file TEXT COLLATE "C" NOT NULL, number INTEGER NOT NULL,
        data BYTEA NOT NULL, PRIMARY KEY (destination, file, number),
        FOREIGN KEY (destination, file) REFERENCES ledger_file ON DELETE CASCADE
    )""",
    # Digests and ciphertext do not compress; trying costs more than writing them.
    "ALTER TABLE ledger_piece ALTER COLUMN data SET STORAGE EXTERNAL",
)
