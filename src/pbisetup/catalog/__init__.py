"""Facts about Microsoft's services as data files with typed loaders; each fact stands here once, with its source."""
