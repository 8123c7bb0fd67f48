#!/bin/sh
# upload-lists.sh - which of Donate-a-Cry's unchecked uploads hold a cry, and which hold none, as the teachers hear them:
# writes recipes/donateacry-cries.csv (YAMNet: 0.5 or more) and recipes/donateacry-household.csv (YAMNet and mn04: both
# below 0.02). Run from the project's folder, with MEWL_DATA set; about two minutes.
set -eu
data=${MEWL_DATA:-../shared/data}
data=$(cd "$data" && pwd)
mewl=$(pwd)/run
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

score() { # MODEL OUT: "file probability" a line, sorted
    (cd "$data" && "$mewl" predict "weights/$1" donateacry-corpus/donateacry-*-upload-bucket --ndjson --top 1 -q) |
        sed -n 's/.*"event":"prediction","file":"\([^"]*\)".*"cry":\([-+.0-9e]*\),.*/\1 \2/p' | LC_ALL=C sort >"$2"
}

score yamnet.tflite "$work/yamnet"
score mn04_as_mAP_432.pt "$work/mn04"
{
    echo path,label
    awk '$2 >= 0.5 { print $1 ",cry" }' "$work/yamnet"
} >"$work/cries"
{
    echo path,label
    LC_ALL=C join "$work/yamnet" "$work/mn04" | awk '$2 < 0.02 && $3 < 0.02 { print $1 ",household" }'
} >"$work/household"
cp "$work/cries" recipes/donateacry-cries.csv
cp "$work/household" recipes/donateacry-household.csv
wc -l recipes/donateacry-cries.csv recipes/donateacry-household.csv
