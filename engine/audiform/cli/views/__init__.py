"""What commands show: one view per thing and format, apart from how it is made."""
