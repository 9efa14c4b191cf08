"""Rules from what was observed to what it means. Pure: no I/O, no network, no clock of its own."""
