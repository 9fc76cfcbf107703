"""Sends events on: per event connector its own place in the log, its own pace, its own trouble."""
