"""From the bytes of a picture file to the grey levels of a spectrogram."""
