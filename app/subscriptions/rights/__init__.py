"""What readers may do with their data: see, take along, correct, move, restrict, object, erase (GDPR art. 15 to 21)."""
