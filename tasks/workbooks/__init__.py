"""Excel in and out: files from outside are opened with care, ours carry nothing that executes."""
