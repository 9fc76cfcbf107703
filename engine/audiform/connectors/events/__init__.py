"""What a connector type says of events: the fields of a record, and how they are filled from an event. Pure."""
