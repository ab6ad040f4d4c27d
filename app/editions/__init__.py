"""What is sent: editions, compiled from articles, composed into letters, sent to a frozen audience, on a schedule."""
