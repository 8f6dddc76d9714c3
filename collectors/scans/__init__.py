"""What SARIF and OCSF share: runs of a scanner, and what it found."""
