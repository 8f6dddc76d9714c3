"""Feast: the feature views and services of a registry dump."""
