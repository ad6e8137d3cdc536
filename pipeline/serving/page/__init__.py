"""The page at /, and the description of all routes at /docs and /openapi.json.

Plain HTML, CSS and JavaScript, which load nothing from elsewhere.
"""
