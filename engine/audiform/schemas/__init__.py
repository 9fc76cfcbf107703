"""What is published under `schemas/`: JSON Schemas for editors and for other programs, made from the models."""
