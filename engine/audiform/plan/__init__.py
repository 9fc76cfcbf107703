"""Planning: what differs, what it means for people, and the steps that close it. Pure: values in, values out."""
