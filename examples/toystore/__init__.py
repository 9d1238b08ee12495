"""A store of your own, as small as can be; docs/stores.md goes through it."""
