"""Small applications that use jobkit as a user would."""
