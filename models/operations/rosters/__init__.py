"""The roster: what a workbook says of parties and people, planned and applied as a whole."""
