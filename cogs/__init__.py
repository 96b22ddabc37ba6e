"""One file a command family. Cogs know Discord and the queue's public face, never a network."""
