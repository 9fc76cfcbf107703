"""The log on a topic of Kafka, for more than one machine.

Workers are members of one consumer group, which gives each its partitions: the members ask for no messages there. Each event
connector has a consumer group of its own that nobody joins, for its offsets alone. So a connector that is applied sends at
once, without the seconds that a group takes to form, and Kafka's own tools show how far it is.
"""
