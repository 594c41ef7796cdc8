"""Tests of the milestones."""
