#!/usr/bin/env bash
# Sets up what a target of the Makefile needs, and nothing twice.
#
#   deploy/setup.sh run     what serving and reporting need
#   deploy/setup.sh check   what the static checks need: Python packages alone
#   deploy/setup.sh test    what the whole suite needs
#
#   1. Find a Python, 3.11 or newer.
#   2. Install the Debian packages that are missing: as root, or by a sudo that asks for no password.
#   3. Find uv: the machine's own, else the pinned one into .venvs/uv, else pip does the work.
#   4. Make .venv from a lock, every file checked against its hash; then put the project itself in, editable.
#   5. For the tests: one further environment in .venvs for each further lock (locks/NAME.txt).
#
# No index is named here: uv and pip read the machine's own configuration.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly WANTED=${1:-run}
readonly LOG=.venv/setup.log
UV=
PREPARED=

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# --- 1. Python -----------------------------------------------------------------------------------

find_python() {
    local name
    for name in ${PYTHON:-python3.11 python3 python3.12 python3.13}; do
        if "$name" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            PYTHON=$(command -v "$name")
            return 0
        fi
    done
    return 1
}

# --- 2. Debian packages --------------------------------------------------------------------------

has_library() { "$PYTHON" -c 'import ctypes, sys; ctypes.CDLL(sys.argv[1])' "$1" 2>/dev/null; }
has_command() { command -v "$1" >/dev/null 2>&1; }
has_fonts() { has_command fc-list && [ -n "$(fc-list :family='Liberation Sans' file)" ]; }
has_installer() { has_command uv || "$PYTHON" -c 'import pip' 2>/dev/null || "$PYTHON" -c 'import ensurepip' 2>/dev/null; }

missing_packages() {
    has_installer || echo python3-pip
    [ "$WANTED" = check ] && return
    # WeasyPrint draws with Pango; lineage graphs are laid out by Graphviz.
    has_library libpango-1.0.so.0 || echo libpango-1.0-0
    has_library libpangoft2-1.0.so.0 || echo libpangoft2-1.0-0
    has_command dot || echo graphviz
    has_fonts || echo fontconfig fonts-liberation
    [ "$WANTED" = test ] || return 0
    # Pages are looked at in a real browser, PDFs by poppler; faults are injected by strace.
    has_command chromium || echo chromium
    has_command pdftotext || echo poppler-utils
    has_command strace || echo strace
    has_command openssl || echo openssl
    has_command git || echo git
    # The store is tested on a server of its own besides SQLite; its programs lie outside the path.
    has_command initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || echo postgresql
    # The log is verified by a program on the packages that Go's checksum database is made of.
    has_command go || echo golang-go
    [ -d /usr/share/gocode/src/golang.org/x/mod/sumdb/tlog ] || echo golang-golang-x-mod-dev
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" </dev/null >>"$LOG" 2>&1
}

apt_install() { apt install --yes --no-install-recommends "$@"; }

# What cannot be installed is named in one line, and the rest goes on without it.
install_packages() {
    local missing
    read -ra missing <<<"$(missing_packages | tr '\n' ' ')"
    [ ${#missing[@]} = 0 ] && return
    if has_command apt-get && as_root true 2>/dev/null; then
        say "installing ${missing[*]}"
        apt_install "${missing[@]}" || { apt update && apt_install "${missing[@]}"; } || true
        read -ra missing <<<"$(missing_packages | tr '\n' ' ')"
        [ ${#missing[@]} = 0 ] && return
    fi
    say "missing: ${missing[*]} (to be installed by an administrator, by these Debian names); going on without"
}

# --- 3. uv, or pip -------------------------------------------------------------------------------

make_environment() {
    "$1/bin/python" -c 'pass' 2>/dev/null && return
    rm -rf "$1/bin" "$1/lib" "$1/pyvenv.cfg"
    "$PYTHON" -m venv --without-pip "$1"
}

# Debian's python3 may come without ensurepip, and a venv without pip: pip then works from outside.
pip_into() {
    local environment=$1
    shift
    if "$PYTHON" -c 'import pip' 2>/dev/null; then
        "$PYTHON" -m pip --quiet --python "$environment/bin/python" "$@"
    else
        "$environment/bin/python" -m ensurepip >>"$LOG" 2>&1 && "$environment/bin/python" -m pip --quiet "$@"
    fi
}

prepare_to_install() {
    [ -z "$PREPARED" ] || return 0
    PREPARED=yes
    share_pip_configuration
    find_uv
}

find_uv() {
    local name
    for name in uv .venvs/uv/bin/uv; do
        if "$name" --version >/dev/null 2>&1; then UV=$name; return; fi
    done
    make_environment .venvs/uv
    if pip_into .venvs/uv install --no-deps --require-hashes --requirement locks/uv.txt >>"$LOG" 2>&1; then
        UV=.venvs/uv/bin/uv
    fi
}

# The first value that pip's configuration (environment before files) has for an option.
pip_option() { sed -n "s/^[a-z:]*\.$1='\(.*\)'\$/\1/p" <<<"$PIP_OPTIONS" | head -n 1 | sed 's/\\n/ /g'; }

# uv does not read pip's configuration: where the machine has none for uv, it is handed pip's.
share_pip_configuration() {
    local name
    for name in "${!UV_@}"; do
        case $name in UV_*INDEX* | UV_CONFIG_FILE | UV_FIND_LINKS) return ;; esac
    done
    for name in "${XDG_CONFIG_HOME:-$HOME/.config}/uv/uv.toml" /etc/uv/uv.toml; do
        [ -e "$name" ] && return
    done
    PIP_OPTIONS=$("$PYTHON" -m pip config list 2>/dev/null) || return 0
    share UV_DEFAULT_INDEX "$(pip_option index-url)"
    share UV_INDEX "$(pip_option extra-index-url)"
    share UV_FIND_LINKS "$(pip_option find-links | tr -s ' ' ',')"
    share UV_NO_INDEX "$(pip_option no-index)"
    share UV_INSECURE_HOST "$(pip_option trusted-host)"
    share SSL_CERT_FILE "$(pip_option cert)"
    share HTTPS_PROXY "$(pip_option proxy)"
    # As pip does: all indexes are looked in. The hashes of the lock decide what is taken.
    share UV_INDEX_STRATEGY unsafe-best-match
}

share() {
    if [ -n "$2" ] && [ -z "${!1:-}" ]; then export "$1=$2"; fi
}

# --- 4. and 5. Environments ----------------------------------------------------------------------

install_lock() {
    [ -n "$UV" ] && "$UV" pip sync --quiet --require-hashes --python "$1/bin/python" "$2" >>"$LOG" 2>&1 && return
    pip_into "$1" install --no-deps --require-hashes --requirement "$2" >>"$LOG" 2>&1
}

install_project() {
    local options=(--no-deps --no-build-isolation --editable .)
    [ -n "$UV" ] && "$UV" pip install --quiet --python .venv/bin/python "${options[@]}" >>"$LOG" 2>&1 && return
    pip_into .venv install "${options[@]}" >>"$LOG" 2>&1
}

made_from() { pwd; cat "$@" | cksum; }

is_current() { [ -x "$1/bin/python" ] && [ "$(cat "$1/.made-from" 2>/dev/null)" = "$(made_from "${@:2}")" ]; }

# An environment holds absolute paths: one that was made elsewhere is made anew.
drop_if_moved() {
    if [ -e "$1/.made-from" ] && [ "$(head -n 1 "$1/.made-from")" != "$(pwd)" ]; then rm -rf "${1:?}"; fi
}

set_up_project() {
    local lock=locks/run.txt sources
    [ "$WANTED" = run ] && [ ! -e .venv/.with-tests ] || lock=locks/dev.txt
    sources=("$lock" pyproject.toml deploy/*.py)
    is_current .venv "${sources[@]}" && return
    say "installing $lock into .venv"
    prepare_to_install
    make_environment .venv
    install_lock .venv "$lock" || die "$lock could not be installed: $(tail -n 1 "$LOG") (more in $LOG)"
    install_project || die "the project could not be installed: $(tail -n 1 "$LOG") (more in $LOG)"
    [ "$lock" = locks/run.txt ] || touch .venv/.with-tests
    made_from "${sources[@]}" >.venv/.made-from
}

set_up_companions() {
    local lock environment
    for lock in locks/*.txt; do
        case $lock in locks/run.txt | locks/dev.txt | locks/uv.txt) continue ;; esac
        environment=.venvs/$(basename "$lock" .txt)
        drop_if_moved "$environment"
        is_current "$environment" "$lock" && continue
        say "installing $lock into $environment"
        prepare_to_install
        make_environment "$environment"
        if install_lock "$environment" "$lock"; then
            made_from "$lock" >"$environment/.made-from"
        else
            say "missing: $lock could not be installed ($(tail -n 1 "$LOG")); tests that need it are skipped"
        fi
    done
}

main() {
    case $WANTED in run | check | test) ;; *) die "found $WANTED; expected run, check or test" ;; esac
    drop_if_moved .venv
    mkdir -p .venv
    : >"$LOG"
    if ! find_python; then
        if has_command apt-get; then apt update && apt_install python3 python3-pip || true; fi
        find_python || die "missing: Python 3.11 or newer (PYTHON=/path/to/it make … names one)"
    fi
    install_packages
    set_up_project
    [ "$WANTED" = test ] && set_up_companions
    return 0
}

main
