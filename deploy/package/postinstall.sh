#!/bin/sh
# Makes the user and its folders. Starts and enables nothing: there is no configuration yet.
set -e
# Installed into another root (dpkg --root), these are the work of that system's first start.
command -v systemd-sysusers >/dev/null 2>&1 || exit 0
systemd-sysusers bqsync.conf
systemd-tmpfiles --create bqsync.conf
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    # A new version takes over from a running one.
    systemctl try-restart bqsync.service
fi
