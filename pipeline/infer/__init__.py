"""`radio-signals infer`: classifies large inputs in parallel, as a Beam pipeline.

command.py          finds model and input, runs the pipeline, records it
beam_pipeline.py    count rows, read, classify, write shards
model_handler.py    how Beam's RunInference loads and asks a model
lineage.py          records the inference in ML Metadata
"""
