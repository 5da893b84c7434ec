# Sourced by the judges: where their tools are put, and how the service is started.
# shellcheck shell=bash
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)"
tools="$root/target/judges"
support="$root/tests/judges/support"
# What this run writes; removed at its end.
work="$(mktemp -d)"
service_pid=""

finish() {
    if [ -n "$service_pid" ]; then
        kill "$service_pid" 2>/dev/null && wait "$service_pid" 2>/dev/null
    fi
    rm -rf "$work"
}
trap finish EXIT

# A judge that cannot be fetched has found no fault, and no innocence either: its own exit code says so.
not_to_be_had() { # what
    echo "$1 cannot be had here" >&2
    exit 75
}

# Installs a Debian package when its command is missing and we may.
need() { # command, package
    command -v "$1" >/dev/null && return
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        apt-get install -y --no-install-recommends "$2" >/dev/null 2>&1 ||
            { apt-get update >/dev/null && apt-get install -y --no-install-recommends "$2" >/dev/null; } || true
    fi
    command -v "$1" >/dev/null || not_to_be_had "$1 (install the package $2)"
}

# A Python environment with what a file of requirements pins; made anew when the file changes.
python_tools() { # name, file of requirements, further options of pip
    need python3 python3
    python="$tools/$1/bin/python"
    if ! cmp -s "$2" "$tools/$1/requirements.txt"; then
        rm -rf "${tools:?}/$1"
        mkdir -p "$tools"
        if ! python3 -m venv "$tools/$1" 2>/dev/null; then
            [ "$(id -u)" -eq 0 ] || not_to_be_had "venv (install the package python3-venv)"
            { apt-get install -y --no-install-recommends python3-venv || { apt-get update && apt-get install -y --no-install-recommends python3-venv; }; } >/dev/null || true
            python3 -m venv "$tools/$1" || not_to_be_had venv
        fi
        "$python" -m pip install --quiet --disable-pip-version-check "${@:3}" -r "$2" || not_to_be_had "$1"
        cp "$2" "$tools/$1/requirements.txt"
    fi
}

# The verifiers of logs and receipts. One declares a newer Python than it needs.
tlog_tools() {
    python_tools tlog "$support/tlog-requirements.txt" --ignore-requires-python
}

# Packages of npm in the versions a lock file pins; installed anew when it changes.
node_tools() { # name, folder with package.json and package-lock.json
    need node nodejs
    need npm npm
    if ! cmp -s "$2/package-lock.json" "$tools/$1/installed-lock.json"; then
        rm -rf "${tools:?}/$1"
        mkdir -p "$tools/$1"
        cp "$2/package.json" "$2/package-lock.json" "$tools/$1/"
        (cd "$tools/$1" && npm ci --silent --no-audit --no-fund --ignore-scripts) || not_to_be_had "$1"
        cp "$2/package-lock.json" "$tools/$1/installed-lock.json"
    fi
}

# The service's program: the one that is named, else the development build.
binary() {
    if [ -n "${LUMBUNG_BINARY:-}" ]; then
        echo "$LUMBUNG_BINARY"
    else
        (cd "$root" && cargo build --quiet >&2)
        echo "$root/target/debug/lumbung"
    fi
}

# Starts the demonstration on a free port; $work/demo.json tells its address and keys.
start_service() {
    local program
    program="$(binary)"
    "$program" demo --json --bind 127.0.0.1:0 >"$work/demo.json" 2>"$work/demo.log" &
    service_pid=$!
    for _ in $(seq 600); do
        [ -s "$work/demo.json" ] && return
        kill -0 "$service_pid" 2>/dev/null || break
        sleep 0.1
    done
    echo "the service did not start:" >&2
    tail -5 "$work/demo.log" >&2
    exit 1
}
