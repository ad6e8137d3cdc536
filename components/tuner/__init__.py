"""TFX's Tuner with a leaderboard."""
