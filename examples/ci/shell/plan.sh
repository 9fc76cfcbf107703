#!/bin/sh
# Plans an environment for a reviewer: plan.sh ENVIRONMENT FOLDER [APPROVED]
#
# FOLDER is what the runners share. It gets plan.json (to apply), plan.md (a comment), plan.html (a page) and plan.hash (what
# an approval is given to). With APPROVED, the hash that somebody approved, it ends with 3 unless this plan does exactly that.
set -eu
environment=$1 folder=$2

mkdir -p "$folder"
rm -f "$folder"/plan.*
code=0
audiform -e "$environment" plan --out "$folder/plan.json" --format markdown ${3:+--approved "$3"} > "$folder/plan.md" || code=$?
if [ -f "$folder/plan.json" ]; then
  audiform show "$folder/plan.json" --format html > "$folder/plan.html"
  audiform show "$folder/plan.json" --format hash > "$folder/plan.hash"
fi
exit "$code"
