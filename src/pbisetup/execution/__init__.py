"""Making it so: runs the steps of a plan, waits for replication, keeps a journal of what cannot be repeated."""
