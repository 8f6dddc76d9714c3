"""The facts that table formats show, with every field's meaning."""

from __future__ import annotations

from compliance.facts import FactSchema, Field

TABLE = FactSchema(
    "lake_table",
    "A Delta or Iceberg table. The resource is NAMESPACE/DATASET.",
    (
        Field("namespace", "string", "Namespace of the dataset"),
        Field("name", "string", "Name of the dataset"),
        Field("format", "string", "delta or iceberg"),
        Field("dataset", "string", "NAMESPACE/DATASET, as lineage names it"),
        Field("current_version", "string", "Delta's number, Iceberg's snapshot id"),
        Field("fields", "strings", "Columns of the current schema, sorted"),
        Field("append_only", "bool", "Whether the table refuses changes of rows (Delta's appendOnly)", optional=True),
        Field("versions", "int", "Versions that the log still lists"),
        Field("readable_versions", "int", "Of these, those whose data files are all there: time travel serves them"),
        Field("oldest_snapshot_at", "time", "When the oldest of those was written", optional=True),
        Field("last_written", "time", "When the current version was written"),
        Field("deletes", "int", "Versions listed that took rows away"),
        Field("unpurged_deletes", "int", "Of these, those whose rows can still be read from a file"),
        Field("oldest_unpurged", "time", "When the oldest of those was written", optional=True),
        Field("last_vacuum_at", "time", "Last vacuum or expiry that the log states", optional=True),
        Field("time_travel_days", "int", "Days for which removed files are kept, where the table states it", optional=True),
    ),
)  # fmt: skip
VERSION = FactSchema(
    "table_version",
    "A version (snapshot) of a Delta or Iceberg table. The resource is NAMESPACE/DATASET@VERSION.",
    (
        Field("namespace", "string", "Namespace of the dataset"),
        Field("name", "string", "Name of the dataset"),
        Field("format", "string", "delta or iceberg"),
        Field("version", "string", "Delta's number, Iceberg's snapshot id"),
        Field("written_at", "time", "When it was committed"),
        Field("operation", "string", "Operation, such as WRITE, DELETE, append or overwrite"),
        Field("current", "bool", "Whether it is the current version"),
        Field("takes_rows_away", "bool", "Whether it deletes, updates, merges or overwrites: a logical deletion"),
        Field("files_added", "int", "Data and delete files added"),
        Field("files_removed", "int", "Data files taken out of the table"),
        Field("readable", "bool", "Whether all its files are still there: time travel serves it"),
    ),
)  # fmt: skip
DELETION = FactSchema(
    "table_deletion",
    "A logical deletion: a version that took rows away. The resource is NAMESPACE/DATASET@VERSION.",
    (
        Field("namespace", "string", "Namespace of the dataset"),
        Field("name", "string", "Name of the dataset"),
        Field("format", "string", "delta or iceberg"),
        Field("version", "string", "The version that took the rows away"),
        Field("deleted_at", "time", "When it was committed"),
        Field("operation", "string", "Operation, such as DELETE or overwrite"),
        Field("files_removed", "int", "Data files that it took out of the table, or masked rows of"),
        Field("files_left", "int", "Of these, those that are still there"),
        Field("purged", "bool", "Whether none of them is there any more: the rows are gone physically"),
    ),
)
