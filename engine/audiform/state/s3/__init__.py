"""The `s3:` backend: records, journal, lock, figures and members as objects below one prefix of a bucket."""
