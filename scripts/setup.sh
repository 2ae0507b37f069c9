#!/usr/bin/env bash
# Brings a bare Debian 12 (or a like system with CPython >= 3.11) to where the bridge runs and its tests pass:
# the locked environment in .venv, and the few system packages. Runs again only when the lock or this file changes.
#   scripts/setup.sh            what the bridge needs to run
#   scripts/setup.sh tests      and what its tests need
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=${1:-run}
stamp=.venv/.set-up-$wanted
fingerprint=$(cat requirements/lock.txt pyproject.toml scripts/setup.sh | sha256sum | cut -d' ' -f1)-$PWD
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$fingerprint" ] && exit 0

say() { printf '%s\n' "$*" >&2; }

apt_updated=
need() { # need PACKAGE TEST...: installs a Debian package unless TEST succeeds
  local package=$1; shift
  "$@" >/dev/null 2>&1 && return 0
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "set-up: installing the system package $package"
    [ -n "$apt_updated" ] || { apt-get update -qq >/dev/null; apt_updated=yes; }
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null
  else
    say "Не хватает системного пакета. Установите: sudo apt-get install $package"
    say "A system package is missing. Install it: sudo apt-get install $package"
    exit 2
  fi
}
has_library() { ldconfig -p 2>/dev/null | grep -q "$1" || /sbin/ldconfig -p | grep -q "$1"; }

python=
for candidate in python3.11 python3.12 python3.13 python3; do
  if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python=$candidate
    break
  fi
done
if [ -z "$python" ]; then need python3 false; python=python3; fi

need libtommath1 has_library libtommath.so.1 # Firebird's engine
need unixodbc has_library libodbc.so.2       # pyodbc
need libpangoft2-1.0-0 has_library libpangoft2-1.0.so.0 # lays out the printed forms
need fonts-paratype sh -c 'ls /usr/share/fonts/truetype/paratype/*.ttf' # their typeface
if [ "$wanted" = tests ]; then
  need chromium command -v chromium             # the pages are looked at in a real browser
  if [ "$(id -u)" = 0 ] && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf # the tests make their own clusters
  fi
  need postgresql sh -c 'command -v pg_ctl || ls /usr/lib/postgresql/*/bin/pg_ctl'
  has_driver() { find /usr/lib -name "$1" 2>/dev/null | grep -q .; }
  need libsqliteodbc has_driver libsqlite3odbc.so # school databases behind ODBC
  need odbc-postgresql has_driver psqlodbcw.so
  need odbc-mariadb has_driver libmaodbc.so
  need mariadb-server-core sh -c 'command -v mariadbd || test -x /usr/sbin/mariadbd' # no service: the tests start theirs
  RUNLEVEL=1 need firebird3.0-server sh -c 'test -x /usr/sbin/firebird && command -v isql-fb' # nor is this one started
  need fonts-dejavu-core test -d /usr/share/fonts/truetype/dejavu
  need golang-go command -v go                  # the audit log's proofs are judged by code that nobody here wrote
  need golang-golang-x-mod-dev test -d /usr/share/gocode/src/golang.org/x/mod/sumdb/tlog
  need strace command -v strace                 # the audit log's writer is killed and failed at every system call
fi

if [ ! -x .venv/bin/python ] || ! .venv/bin/python -c '' 2>/dev/null; then
  "$python" -c 'import venv, ensurepip' 2>/dev/null || need python3-venv false
  say "set-up: making .venv with $("$python" --version)"
  "$python" -m venv --clear .venv
fi
say "set-up: installing the locked packages"
export UV_PYTHON_DOWNLOADS=never UV_SYSTEM_CERTS=true VIRTUAL_ENV=$PWD/.venv
if ! .venv/bin/python -c 'import uv' 2>/dev/null; then
  # uv's own line of the lock, hashes included
  sed -n '/^uv==/,/^ *#/p' requirements/lock.txt >.venv/uv-lock.txt
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r .venv/uv-lock.txt
fi
# pip knows mirrors and proxies by its own settings, which uv does not read: so it is asked where uv can't fetch.
.venv/bin/python -m uv pip sync --quiet --require-hashes requirements/lock.txt ||
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/lock.txt
.venv/bin/python -m uv pip install --quiet --no-deps --no-build-isolation --editable .
printf '%s' "$fingerprint" >"$stamp"
say "set-up: done"
