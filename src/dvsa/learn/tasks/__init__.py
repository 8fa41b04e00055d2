"""What is learned: for each kind of stage its data, loss and evaluation."""
