"""The database's revisions, run by `pilot db upgrade`."""
