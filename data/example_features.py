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

# float: mean grey level and its standard deviation over the spectrogram, both on the 0..1
# scale. StatisticsGen sees these instead of thousands of pixels, and they catch what goes
# wrong in practice: another rendering, another gain, a dead receiver.
BRIGHTNESS = "brightness"
CONTRAST = "contrast"
