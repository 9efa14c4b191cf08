"""From manifest and snapshot to a plan. Pure: no I/O, no clock of its own."""
