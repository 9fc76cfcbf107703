"""The distributed engine: the same definition, the same expressions and the same difference, done by executors of Spark."""
