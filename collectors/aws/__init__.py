"""What the AWS sources share: asking with the raw answer kept, reading answers, reading policies."""
