"""A session: one world, one strategy, what feeds it and what carries out its effects. The mode is what is put together here."""
