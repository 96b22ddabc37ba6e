"""A GAN that paints: a counterfeiter and a cashier, trained by us on a few thousand paintings."""
