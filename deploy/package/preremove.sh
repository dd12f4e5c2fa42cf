#!/bin/sh
# On removal, not on an upgrade (dpkg says "upgrade", rpm says 1). State and configuration stay.
set -e
case "$1" in
remove | 0)
    if [ -d /run/systemd/system ]; then
        systemctl disable --now bqsync.service bqsync-once.timer || true
        # A run that the timer has started.
        systemctl stop bqsync-once.service || true
    fi
    ;;
esac
