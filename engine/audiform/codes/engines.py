"""Codes of the engine that people are read, compared and sent by."""

from __future__ import annotations

from collections.abc import Mapping

from audiform.codes.code import Code

CODES: Mapping[str, Code] = {
    "spark-unreachable": Code(
        "No Spark to work with",
        "The project says `engine: {type: spark}`, and Spark does not start here or the cluster of `master` does not answer. Nothing was "
        "read and nothing was sent.",
        "Run `audiform doctor`: it looks at Java, PySpark and the cluster one by one.",
        "engine: {type: spark, master: 'spark://nowhere.example.com:7077'}",
    ),
    "query-not-translated": Code(
        "Query cannot be said in Spark's SQL",
        "An audience's SQL is DuckDB's. For Spark it is translated, and it has something for which nobody knows the other word. An audience "
        "that is read otherwise than it was written would be worse than an error.",
        "Write that part in SQL that both know; move it into the data; or use the embedded engine for this environment.",
        "query: SELECT customer_id, list_aggregate(scores, 'sum') AS score FROM customers",
    ),
    "source-not-distributed": Code(
        "Source is not for executors",
        "With `engine: {type: spark}` executors read the source at the same time, on several machines: Parquet, CSV and JSON files, and Delta "
        "tables where the cluster has their jar. This source is of another kind.",
        "Export what the audience needs as Parquet, or use the embedded engine for this environment.",
        "sources: {crm: {type: postgresql, ...}}",
    ),
    "type-not-carried": Code(
        "Column of a type that does not travel",
        "Executors are handed numbers, texts, booleans, dates and timestamps. The audience's query returns something else in a column that "
        "is needed.",
        "Cast the column in the query to what is meant by it.",
        "query: SELECT customer_id, email, [1, 2] AS scores FROM customers",
    ),
    "watermark-not-distributed": Code(
        "Executors read whole audiences",
        "An audience with a `watermark` is read from where the last sync ended. The executors of `engine: {type: spark}` do not do that yet: "
        "they read it as a whole, and the ledger would not know whose member is which profile's.",
        "Take `watermark` out of the audience, or use the embedded engine for this environment.",
        "audiences: {buyers: {watermark: updated_at, ...}}   # with engine: {type: spark}",
    ),
    "ledger-not-shared": Code(
        "Executors do not see the ledger",
        "The executors of a cluster read the ledger's files and write beside them. Those of a state in PostgreSQL or in a bucket are on the "
        "driver's own disk while it runs.",
        "Keep the state in a folder (`file:`) on a volume that driver and executors share, at the same path, or let `master` be `local[*]`.",
        "engine: {type: spark, master: yarn}   # with state: {url: 's3://bucket/prefix'}",
    ),
}
