"""Answers requests over HTTP with the pushed models.

    served_model.py   one loaded version, which answers arrays; no HTTP
    versions.py       the loaded versions, and the watch over the serving folder
    batching.py       many requests in one call of the model
    options.py        what a server is told
    app.py            the web application: routes, errors, life
    requests.py       what handlers share: the body, the version, the answer
    observed.py       metrics, access log and security headers
    uploads.py        files that are dropped on the page
    server.py         the process: start, messages, signals
    protocols/        TensorFlow Serving's REST API and the Open Inference Protocol
    page/             the page at /, and the description of all routes

Nothing here imports TFX.
"""
