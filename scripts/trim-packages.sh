#!/bin/sh
# Remove from a virtual environment what no run of the pipeline reads. $1: the environment.
set -eu
cd "$1"/lib/python3.*/site-packages

# TensorFlow's headers, to compile operations against, and the library by which C++ is parsed,
# which its wheel only names.
rm -rf tensorflow/include clang/native
# Tests of packages that are known not to import them.
for package in bokeh google/genai keras matplotlib nltk numpy pandas pyarrow scipy sklearn tornado
do
  [ -d "$package" ] || continue
  find "$package" -type d \( -name tests -o -name test \) -prune -exec rm -rf {} +
done
find . -name '*.a' -delete
find . -name __pycache__ -prune -exec rm -rf {} +
