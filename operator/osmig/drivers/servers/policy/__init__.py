"""What is decided about the move of a server. Pure."""
