"""Where events are kept between their receipt and their destinations: one Protocol, several logs."""
