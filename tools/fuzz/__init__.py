"""Fuzzes what reads hostile input: functions in this process, and a real server over HTTP."""
