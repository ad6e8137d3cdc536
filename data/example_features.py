"""Names of the features of one stored example (tf.Example).

Written once, here, because ingest, schema, Transform, Trainer and Evaluator must agree.
"""

# bytes: height x width grey levels, one unsigned byte each (k of the value k/255), row-major,
# axis 0 time, axis 1 frequency. 8 KiB instead of the 32 KiB of a float list, and exact.
IMAGE = "image"

# int64: column of the class in the one-hot label row.
LABEL = "label"

# bytes: the name of that class, so that statistics and evaluation slices read by name.
CLASS_NAME = "class_name"

# bytes and int64: the file that the spectrogram is from, below the data folder, and its row there,
# as an editor counts lines; of an array, as one counts images. By these a picture of a report is
# found again in the data. No step learns from them, so no schema needs to name them.
FILE = "file"
ROW = "row"

# The features below are what StatisticsGen sees instead of thousands of pixels. They catch what
# goes wrong in practice: another rendering, another gain, another noise level, a dead receiver.

# float: mean grey level and its standard deviation over the spectrogram, on the 0..1 scale.
BRIGHTNESS = "brightness"
CONTRAST = "contrast"

# float: greatest less least grey level, on the 0..1 scale.
DYNAMIC_RANGE = "dynamic_range"

# int64: frequency channels (columns) whose level never changes over time.
DEAD_CHANNELS = "dead_channels"

# float: how far the strongest straight stretches of 16 time steps stand out, in deviations of what
# 16 pixels of noise add up to. Pure noise has about 4, lines that an eye sees 7 and more. It is by
# this that the evaluation tells faint signals from strong ones.
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
