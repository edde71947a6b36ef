"""What the columns of a table are for: channels, inputs, labels, and the quality of values."""
