# One BigQuery emulator (local-bigquery) in a directory: data, pid, port, log. Sourced by dev/servers.
# shellcheck shell=bash disable=SC2154 # DIR and EMULATORS come from there

emulator_alive() { is_ours "$(cat "$1/pid" 2>/dev/null)" "--data-dir $1/data"; }

# Returns at once; emulators_wait waits.
emulator_start() {
    local home=$1
    ! emulator_alive "$home" || return 0
    mkdir -p "$home"
    "$ROOT/dev/free-ports" "$home/port" "$home/grpc-port"
    # A HOME of its own holds the DuckDB extensions, which it would otherwise fetch from the network.
    HOME=$ROOT/.dev/home GCS_LOCAL_ROOT=$DIR/gcs setsid "$VENV/bin/python" \
        -c 'from local_bigquery.cli import main; main()' \
        --host 127.0.0.1 --port "$(cat "$home/port")" --grpc-port "$(cat "$home/grpc-port")" \
        --project demo --data-dir "$home/data" serve >"$home/log" 2>&1 </dev/null 7>&- 8>&- &
    echo $! >"$home/pid"
    disown # no "Killed" lines from bash when it is ended later
}

# Prints the answer to a first request, or fails when nobody listens yet. Asks over bash's own TCP,
# so that waiting needs neither curl nor a new Python each time. The first answer takes seconds.
emulator_asked() {
    {
        printf 'GET /bigquery/v2/projects/demo/datasets HTTP/1.0\r\nHost: localhost\r\n\r\n' >&5
        cat <&5
    } 5<>"/dev/tcp/127.0.0.1/$(cat "$1/port")"
}

emulators_wait() {
    local n i home answer
    for ((n = 1; n <= EMULATORS; n++)); do
        home=$DIR/bigquery-$n
        for ((i = 0; i < 1200; i++)); do
            if answer=$(emulator_asked "$home" 2>/dev/null | tr -d '\0'); then
                [[ $answer != HTTP/*\ 200* ]] || continue 2
                # Another server may have taken the port between the choice and the start.
                say "the emulator of $home is up but broken; it says: ${answer//[^[:print:]]/?}" >&2
                emulator_stop "$home" 0
                rm -f "$home/port" "$home/grpc-port"
                return 1
            fi
            # Not alive at once: the fork may not have become Python yet.
            [ $i -lt 20 ] || emulator_alive "$home" || break
            sleep 0.05
        done
        tail -n 20 "$home/log" >&2
        return 1
    done
}

emulator_stop() {
    [ -e "$1/pid" ] || return 0
    end_pid "$(cat "$1/pid")" "--data-dir $1/data" "$2"
    rm -f "$1/pid"
}
