"""The acting edge of an account: it reads the store and the venue, and keeps what the books say."""
