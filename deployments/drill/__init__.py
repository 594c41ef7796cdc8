"""Failures made on purpose, to show what survives them. Touches nothing but scratch."""
