"""What the programme is: its rules, its figures, its forms, its tables and the verbs on them."""
