#!/bin/sh
# upload-lists.sh - which of Donate-a-Cry's unchecked uploads hold a cry, and which hold none, as the teachers hear them:
# writes recipes/donateacry-cries.csv (YAMNet: 0.5 or more) and recipes/donateacry-household.csv (YAMNet and mn04: both
# below 0.02); and which of its cleaned clips hold none (recipes/donateacry-doubted.csv, both below 0.1). Run from the project's folder, with MEWL_DATA set; about two minutes.
set -eu
data=${MEWL_DATA:-../shared/data}
data=$(cd "$data" && pwd)
mewl=$(pwd)/run
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

score() { # MODEL OUT FOLDERS: "file probability" a line, sorted
    # shellcheck disable=SC2086
    (cd "$data" && "$mewl" predict "weights/$1" $3 --ndjson --top 1 -q) |
        sed -n 's/.*"event":"prediction","file":"\([^"]*\)".*"cry":\([-+.0-9e]*\),.*/\1 \2/p' | LC_ALL=C sort >"$2"
}

uploads='donateacry-corpus/donateacry-*-upload-bucket'
cleaned=donateacry-corpus/donateacry_corpus_cleaned_and_updated_data
score yamnet.tflite "$work/yamnet" "$uploads"
score mn04_as_mAP_432.pt "$work/mn04" "$uploads"
score yamnet.tflite "$work/yamnet-cleaned" "$cleaned"
score mn04_as_mAP_432.pt "$work/mn04-cleaned" "$cleaned"
{
    echo path,label
    awk '$2 >= 0.5 { print $1 ",cry" }' "$work/yamnet"
} >"$work/cries"
{
    echo path,label
    LC_ALL=C join "$work/yamnet" "$work/mn04" | awk '$2 < 0.02 && $3 < 0.02 { print $1 ",household" }'
} >"$work/household"
{
    echo path,label
    LC_ALL=C join "$work/yamnet-cleaned" "$work/mn04-cleaned" | awk '$2 < 0.1 && $3 < 0.1 { print $1 ",cry" }'
} >"$work/doubted"
cp "$work/doubted" recipes/donateacry-doubted.csv
cp "$work/cries" recipes/donateacry-cries.csv
cp "$work/household" recipes/donateacry-household.csv
wc -l recipes/donateacry-doubted.csv recipes/donateacry-cries.csv recipes/donateacry-household.csv
