"""The shared inference queue: one device, one batch at a time, many people."""
