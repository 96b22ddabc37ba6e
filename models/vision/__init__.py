"""Recognise what a photograph shows with a convolutional network."""
