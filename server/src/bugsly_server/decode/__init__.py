"""Decodes payloads of agents and SDKs into typed values; pure."""
