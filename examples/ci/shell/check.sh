#!/bin/sh
# What needs no secret, for every push: is the project written well, right in every environment, and as its tests say?
set -eu

audiform fmt --check
audiform validate --all-environments
audiform test
