"""A Confluent-compatible schema registry: subjects, their latest schema, their compatibility."""
