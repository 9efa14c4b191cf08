"""Whether a real tenant answers as the tables of causes say: what to ask, what may be answered, and the difference.

Nothing here speaks to anybody: the command line asks, through `pbisetup.services`.
"""
