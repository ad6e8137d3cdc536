#!/bin/sh
# Asks a server about one row of a CSV file: grey levels from 0 to 1 of an image of 128 channels.
#
#   classify.sh validation/images.csv 1 http://localhost:8501
#
# For another width: WIDTH=256 classify.sh ...
set -eu
file=$1 row=$2 server=${3:-http://localhost:8501}
sed -n "${row}p" "$file" |
  awk -F, -v width="${WIDTH:-128}" '{
    printf "{\"signature_name\": \"classify_spectrograms\", \"instances\": [["
    for (i = 1; i <= NF; i++)
      printf "%s%s%s", (i % width == 1 ? (i > 1 ? ",[" : "[") : ","), $i, (i % width ? "" : "]")
    print "]]}"
  }' |
  curl --silent --show-error --fail-with-body --header "Content-Type: application/json" \
    --data-binary @- "$server/v1/models/${MODEL:-radio-signals}:predict"
