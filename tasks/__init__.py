"""Steps: each is one transaction, or one call to the outside with none open."""
