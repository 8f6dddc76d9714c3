"""The web application: pages, API and intake over the domain."""
