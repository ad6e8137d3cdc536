"""The command `radio-signals`: options and help texts. Other packages do the work."""
