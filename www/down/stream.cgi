#!/bin/sh
# What a web server without other means tells an EventSource while the daemon is down: come back, not all at the same time.
printf 'Status: 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n\r\nretry: %d\n\n' $((1000 + $$ % 4 * 1200))
