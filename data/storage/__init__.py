"""Files of every kind the pipeline keeps: local folders and object stores."""
