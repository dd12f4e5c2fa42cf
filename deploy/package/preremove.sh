#!/bin/sh
# On removal, not on an upgrade (dpkg says "upgrade", rpm says 1). State and configuration stay.
set -e
case "$1" in
remove | 0) [ ! -d /run/systemd/system ] || systemctl disable --now bqsync.service bqsync-once.timer ;;
esac
