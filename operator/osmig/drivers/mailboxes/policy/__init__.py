"""What is decided about a job that copies mailboxes. Pure."""
