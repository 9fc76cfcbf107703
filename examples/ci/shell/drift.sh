#!/bin/sh
# Says what was changed by hand: drift.sh ENVIRONMENT. Ends with 2 when something was; nothing is changed.
set -eu

audiform -e "$1" drift
