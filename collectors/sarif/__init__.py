"""SARIF 2.1.0: results of static analysis and CI checks in a folder of files."""
