"""From a class in a notebook to a file that the runner may load: what it needs is cut out, checked and told, never guessed."""
