"""Tests of the programme as data."""
