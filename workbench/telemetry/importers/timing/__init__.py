"""Times of tables: forms of dates and clocks, numbers that are times, zones, and the columns that hold them."""
