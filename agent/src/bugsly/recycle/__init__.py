"""The safety net: recycles a worker whose memory passes a limit, without failing a request."""
