"""One function per job: read, transform, check, write."""
