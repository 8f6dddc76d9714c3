"""Record usage: which runs, models and features used this record, when, and for what purpose."""
