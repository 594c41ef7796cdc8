"""A small invented world in which every part of the system can be seen at work."""
