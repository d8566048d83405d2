"""What several commands print: tables of workers and issues, alerts, JSON."""
