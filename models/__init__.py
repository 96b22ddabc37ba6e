"""One folder a network: its architecture, its predictor, its training and its weights. Never imports Discord."""
