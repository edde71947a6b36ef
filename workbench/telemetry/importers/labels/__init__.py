"""Labels as people have them: files of times in every usual form, and label columns."""
