"""The protocols that clients of other servers speak.

json_values.py          from JSON to arrays, and where the JSON is wrong
tensorflow_serving.py   TensorFlow Serving's REST API, /v1
open_inference.py       the Open Inference Protocol, /v2, with binary tensor data

Each has a function that returns its routes.
"""
