# Functions that the scripts here share. Sourced, not run.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034 # used by those who source this
VENV=$ROOT/.dev/venv
# Debian keeps mariadbd in sbin, which is not on every user's PATH.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
# Compiled Python modules halve the emulator's start; some environments switch them off.
unset PYTHONDONTWRITEBYTECODE

say() { printf '%s\n' "$*"; }
step() { printf '==> %s\n' "$*"; }
die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }

# is_ours PID TEXT: the process lives and its command line holds TEXT. Pids are used again by
# the kernel, so a recorded pid alone proves nothing.
is_ours() {
    [ -n "$1" ] && [ -r "/proc/$1/cmdline" ] &&
        tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline" | grep -qF -- "$2"
}

# end_pid PID TEXT SECONDS: TERM, wait, and KILL what has not gone by then.
end_pid() {
    local i
    is_ours "$1" "$2" || return 0
    kill -TERM "$1" 2>/dev/null || true
    for ((i = 0; i < $3 * 20; i++)); do
        is_ours "$1" "$2" || return 0
        sleep 0.05
    done
    kill -KILL "$1" 2>/dev/null || true
    while is_ours "$1" "$2"; do sleep 0.05; done
}

# end_recorded FILE TEXT SECONDS: the same for the process whose pid FILE holds, if any.
end_recorded() {
    [ -e "$1" ] || return 0
    end_pid "$(cat "$1")" "$2" "$3"
    rm -f "$1"
}

# tree PID: the process and all below it, children first.
tree() {
    local child children
    children=$(cat "/proc/$1/task/"*/children 2>/dev/null) || true
    for child in $children; do tree "$child"; done
    say "$1"
}

# attend CMD...: runs CMD so that a TERM to this script alone reaches CMD and everything below
# it (a plain foreground command would make bash sit on the signal until CMD ends by itself).
# Ctrl-C reaches CMD from the terminal; it gets the time to leave in its own way first.
ATTENDED=
attend() {
    (
        trap - INT QUIT # bash ignores both in background commands
        exec "$@"
    ) <&0 &
    ATTENDED=$!
    local code=0
    wait "$ATTENDED" || code=$?
    ATTENDED=
    return "$code"
}

# unattend CODE: for exit traps; ends what attend started, if the script was interrupted meanwhile.
# After Ctrl-C (130) the terminal has told it already, and it gets time to leave in its own way.
unattend() {
    local pids
    [ -n "$ATTENDED" ] || return 0
    [ "$1" != 130 ] || gone_within 5 "$ATTENDED" || true
    mapfile -t pids < <(tree "$ATTENDED")
    kill -TERM "${pids[@]}" 2>/dev/null || true
    # No wait here: bash 5.2 may hang in it when an earlier wait for the same child was interrupted.
    gone_within 10 "${pids[@]}" || kill -KILL "${pids[@]}" 2>/dev/null || true
    ATTENDED=
}

# gone_within SECONDS PID...: waits until none of them runs.
gone_within() {
    local i seconds=$1
    shift
    for ((i = 0; i < seconds * 20; i++)); do
        kill -0 "$@" 2>/dev/null || return 0
        sleep 0.05
    done
    return 1
}
