#!/bin/sh
# Remove files that no run of the pipeline reads from a virtual environment. $1: the environment.
set -eu
cd "$1"/lib/python3.*/site-packages

# TensorFlow's headers, which only compilers of custom operations need, and a parser for C++, which
# TensorFlow depends on but does not import.
rm -rf tensorflow/include clang/native
# Tests of packages that are known not to import their own tests.
for package in bokeh google/genai keras matplotlib nltk numpy pandas pyarrow scipy sklearn tornado
do
  [ -d "$package" ] || continue
  find "$package" -type d \( -name tests -o -name test \) -prune -exec rm -rf {} +
done
find . -name '*.a' -delete
find . -name __pycache__ -prune -exec rm -rf {} +
