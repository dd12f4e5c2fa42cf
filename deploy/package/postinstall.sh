#!/bin/sh
# Makes the user and its folders. Starts and enables nothing: there is no configuration yet.
set -e
# Installed into another root (dpkg --root), these are the work of that system's first start.
command -v systemd-sysusers >/dev/null 2>&1 || exit 0
systemd-sysusers bqsync.conf
# It refuses where /proc is not mounted, as in the making of an image: the first start makes the folders there.
systemd-tmpfiles --create bqsync.conf || true
if [ -d /run/systemd/system ]; then
    # What fails here is said by systemctl, and must not leave the package half installed.
    systemctl daemon-reload || true
    # A new version takes over from a running one.
    systemctl try-restart bqsync.service || true
fi
