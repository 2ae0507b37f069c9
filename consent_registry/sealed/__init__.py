"""What is kept sealed and how it is found again: keys, their rotation, staff, look-ups, scans."""
