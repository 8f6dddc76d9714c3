"""Stand-ins for services that cannot run here, each faithful to the published API of its service."""
