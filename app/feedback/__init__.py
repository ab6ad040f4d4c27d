"""What comes back: bounces, complaints, replies, providers' reports. All of it goes through one `ingest`."""
