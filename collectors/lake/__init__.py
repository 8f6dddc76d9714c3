"""What Delta and Iceberg tables share: versions, rows deleted logically, and files purged physically."""
