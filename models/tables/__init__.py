"""SQLModel tables and nothing else."""
