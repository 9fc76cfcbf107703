#!/bin/sh
# Applies the plan that was read, once: apply.sh ENVIRONMENT FOLDER
set -eu

audiform -e "$1" apply "$2/plan.json"
