"""Who is scored: everything a shop would set prices by, behind one small interface."""
