"""Backups: made, read, restored, and killed half-way."""
