"""TFX's Pusher with atomic pushes."""
