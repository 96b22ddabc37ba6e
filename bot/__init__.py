"""Everything between Discord and the inference queue. Never imports torch."""

__version__ = "0.1.0"
