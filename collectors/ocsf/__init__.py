"""OCSF: findings of scanners, such as the output of Prowler as it is, in a folder of files."""
