"""An OCI image registry: images by digest, and what was attached to them (OCI distribution specification 1.1)."""
