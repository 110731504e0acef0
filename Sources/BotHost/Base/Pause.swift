import Glibc

/// Gives the processor away for half a millisecond: for loops that look for an end which nobody announces.
func pauseBriefly() { usleep(500) }
