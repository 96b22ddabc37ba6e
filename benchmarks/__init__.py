"""Speed, measured: one command each, printing a table. Never part of a test."""
