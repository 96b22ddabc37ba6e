"""The spelling network: a recurrent corrector that reads the whole message."""
