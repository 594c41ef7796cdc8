"""Verbs on tables: they take an open Session, flush and never commit."""
