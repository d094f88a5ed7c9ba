"""How the gateway reaches what runs: sessions on this machine by their files and sockets, others by the bus."""
