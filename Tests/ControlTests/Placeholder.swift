// The control socket is tested end to end.
