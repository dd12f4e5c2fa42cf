# The private MariaDB of DIR, in DIR/mysql: data, pid, port, socket, log. Sourced by dev/servers.
# shellcheck shell=bash disable=SC2154 # DIR comes from there

mariadb_alive() { is_ours "$(cat "$DIR/mysql/pid" 2>/dev/null)" "--datadir=$DIR/mysql/data"; }

# Prints the CA of the server's certificate, or nothing where TLS is off.
mariadb_ca() {
    [ ! -e "$ROOT/.dev/tls/server.pem" ] || say "$ROOT/.dev/tls/ca.pem"
}

# The kernel takes at most 107 bytes for the path of a socket.
mariadb_socket() {
    local path=$DIR/mysql/socket.sock
    [ ${#path} -le 100 ] || path=$(mktemp -d "${TMPDIR:-/tmp}/bqsync.XXXXXX")/s.sock
    say "$path"
}

mariadb_as_root() { # a server that root starts needs an option that confirms it
    [ "$(id -u)" != 0 ] || say --user=root
}

mariadb_create() {
    local home=$DIR/mysql
    [ ! -d "$home/data" ] || return 0
    rm -rf "$home/data.partial"
    # A tmpdir of its own everywhere: a server that starts removes the temporary tables it finds
    # in its tmpdir, those of other servers too.
    mkdir -p "$home/tmp"
    # shellcheck disable=SC2046 # one word or none
    mariadb-install-db --no-defaults --datadir="$home/data.partial" --tmpdir="$home/tmp" $(mariadb_as_root) \
        --auth-root-authentication-method=normal --skip-test-db --skip-name-resolve --force \
        >"$home/create.log" 2>&1 8>&- || {
        tail -n 20 "$home/create.log" >&2
        die "mariadb-install-db failed"
    }
    mv "$home/data.partial" "$home/data"
}

# Returns at once; mariadb_wait waits.
mariadb_start() {
    local home=$DIR/mysql tls=()
    ! mariadb_alive || return 0
    mkdir -p "$home"
    mariadb_create
    "$ROOT/dev/free-ports" "$home/port"
    mariadb_forget_socket
    mariadb_socket >"$home/socket"
    if [ -e "$ROOT/.dev/tls/server.pem" ]; then
        tls=(--ssl-ca="$ROOT/.dev/tls/ca.pem" --ssl-cert="$ROOT/.dev/tls/server.pem"
            --ssl-key="$ROOT/.dev/tls/server-key.pem")
    fi
    # Survives a kill -9 of the server but not of the machine, which makes it fast.
    # shellcheck disable=SC2046 # one word or none
    setsid mariadbd --no-defaults $(mariadb_as_root) --datadir="$home/data" --tmpdir="$home/tmp" \
        --socket="$(cat "$home/socket")" --pid-file="$home/server.pid" \
        --bind-address=127.0.0.1 --port="$(cat "$home/port")" --skip-name-resolve \
        --character-set-server=utf8mb4 --max-connections=300 --max-allowed-packet=64M \
        --local-infile=1 --secure-file-priv= --skip-log-bin \
        --performance-schema="${MARIADB_PERFORMANCE_SCHEMA:-ON}" \
        --performance-schema-instrument='wait/lock/metadata/sql/mdl=ON' \
        --innodb-flush-log-at-trx-commit=2 --innodb-doublewrite=0 --innodb-buffer-pool-size=256M \
        "${tls[@]}" >"$home/log" 2>&1 </dev/null 7>&- 8>&- &
    echo $! >"$home/pid"
    disown # no "Killed" lines from bash when it is ended later
}

# --host, because the client would rather follow a MYSQL_HOST in the environment.
mariadb_wait() {
    local home=$DIR/mysql i
    for ((i = 0; i < 1200; i++)); do
        mariadb --no-defaults --host=localhost --user=root --socket="$(cat "$home/socket")" -e 'do 1' 2>/dev/null && return
        # Not alive at once: the fork may not have become mariadbd yet.
        [ $i -lt 20 ] || mariadb_alive || break
        sleep 0.05
    done
    tail -n 20 "$home/log" >&2
    return 1
}

mariadb_forget_socket() {
    local path
    path=$(cat "$DIR/mysql/socket" 2>/dev/null) || return 0
    rm -f "$path"
    case $path in */bqsync.??????/s.sock) rmdir "${path%/s.sock}" 2>/dev/null || true ;; esac
}

mariadb_stop() {
    [ -e "$DIR/mysql/pid" ] || return 0
    end_pid "$(cat "$DIR/mysql/pid")" "--datadir=$DIR/mysql/data" "$1"
    mariadb_forget_socket
    rm -f "$DIR/mysql/pid"
}
