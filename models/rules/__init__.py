"""Pure functions over plain values; a test of a rule needs no database."""
