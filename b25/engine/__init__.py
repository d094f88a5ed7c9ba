"""The world, the step that moves it, and the compiled loop around it."""
