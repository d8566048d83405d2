"""Guards outgoing traffic: which addresses the server and its child processes may reach."""
