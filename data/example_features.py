"""Names of the features of a stored example (tf.Example).

Ingest, schema, Transform, Trainer and Evaluator must agree on them, so they are written only here.
"""

# bytes: height x width grey levels, one unsigned byte each (k for the value k/255), row-major,
# axis 0 time, axis 1 frequency. It takes 8 KiB where a float list would take 32, and is exact.
IMAGE = "image"

# int64: column of the class in the one-hot label row.
LABEL = "label"

# bytes: name of that class, so that statistics and evaluation slices are readable.
CLASS_NAME = "class_name"

# bytes and int64: the file of the spectrogram, relative to the data folder, and its row there:
# the line number in an editor, or the 1-based image of an array. With these, a spectrogram shown
# in a report can be found in the data. No step learns from them, so schemas need not name them.
FILE = "file"
ROW = "row"

# StatisticsGen sees the features below instead of thousands of pixels. They reveal what goes wrong
# in practice: another rendering, another gain, another noise level, a dead receiver.

# float: mean grey level of the spectrogram, and its standard deviation, on the 0..1 scale.
BRIGHTNESS = "brightness"
CONTRAST = "contrast"

# float: greatest minus least grey level, on the 0..1 scale.
DYNAMIC_RANGE = "dynamic_range"

# int64: number of frequency channels (columns) whose level never changes over time.
DEAD_CHANNELS = "dead_channels"

# float: how far the strongest straight stretches of 16 time steps stand out, in standard deviations
# of the sum of 16 pixels of noise. Pure noise has about 4, a visible line 7 and more. Evaluation
# uses it to tell faint signals from strong ones.
LINE_STRENGTH = "line_strength"

SUMMARIES = (
    LABEL,
    CLASS_NAME,
    BRIGHTNESS,
    CONTRAST,
    DYNAMIC_RANGE,
    DEAD_CHANNELS,
    LINE_STRENGTH,
)
