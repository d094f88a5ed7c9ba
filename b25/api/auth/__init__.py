"""Who is who: sign-in, tokens, keys, second factors, and what two persons must agree on."""
