"""What a user sees in the terminal."""
