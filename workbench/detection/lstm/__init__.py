"""The LSTM forecaster: network, training, inference and what is saved."""
