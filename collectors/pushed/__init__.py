"""What the readers and the intake of pushed evidence share: bodies, redaction, acceptance."""
