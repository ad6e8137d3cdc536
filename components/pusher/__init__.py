"""TFX's Pusher with versions that appear whole."""
