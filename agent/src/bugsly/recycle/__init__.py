"""Recycles a worker whose memory passes a limit, without failing a request: the safety net."""
