#!/bin/sh
# Builds what is given away, out of nothing but this folder: `make dist`, `make bundle`.
#
#   packaging/bundle.sh dist     the source archive, and from that alone the wheel
#   packaging/bundle.sh bundle   these; from the wheel alone the folder desktop-logs, its archive and the checksum
#
# DIST is the folder they go to (dist), WORK takes what is made on the way (build), VENVS the environments (setup.sh).
#
# Where there is no sh, on Windows, the same by hand, in a new environment:
#   pip install build && python -m build
#   pip install "dist/desktop_logs-VERSION-py3-none-any.whl[bundle]" && pyinstaller packaging/desktop-logs.spec
#   cd packaging && python -m bundling.archive ../dist/desktop-logs VERSION ../dist
set -eu

# Nothing of what whoever builds has told Python goes into what is built: other modules, another way to compile.
unset PYTHONPATH PYTHONHOME PYTHONOPTIMIZE

stage=${1:-bundle}
cd -P "$(dirname "$0")/.."
dist=${DIST:-dist}
work=${WORK:-build}
venvs=${VENVS:-$PWD}
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' desktop_logs/__init__.py)
mkdir -p "$dist" "$work"
dist=$(cd -P "$dist" && pwd)
work=$(cd -P "$work" && pwd)

say() {
    printf '%s\n' "desktop-logs: $*"
}

# Runs a command that has much to say, and shows it only when the command fails.
quietly() {
    "$@" >"$work/log" 2>&1 || {
        cat "$work/log" >&2
        say "this failed, as said above: $*" >&2
        exit 1
    }
}

# The same files from the same commit: its time is that of all files, and sets have the same order.
if [ -z "${SOURCE_DATE_EPOCH:-}" ] && [ -e .git ]; then
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null) || SOURCE_DATE_EPOCH=
fi
[ -z "${SOURCE_DATE_EPOCH:-}" ] || export SOURCE_DATE_EPOCH
export PYTHONHASHSEED=0

sh packaging/setup.sh dist
say "building desktop-logs $version into $dist"
quietly "$venvs/.venv-dist/bin/python" -m build --no-isolation --outdir "$dist" .
[ "$stage" = bundle ] || exit 0

sh packaging/setup.sh bundle "$dist/desktop_logs-$version-py3-none-any.whl"
# Not `python -m PyInstaller`, which would find desktop_logs in this folder and not in the wheel.
PYINSTALLER_CONFIG_DIR="$work/cache" quietly "$venvs/.venv-bundle/bin/pyinstaller" --noconfirm --log-level WARN \
    --distpath "$dist" --workpath "$work" packaging/desktop-logs.spec
folder=$dist/desktop-logs
if [ "$(uname -s)" = Darwin ]; then folder="$dist/Desktop Logs.app"; fi
PYTHONPATH=packaging "$venvs/.venv-bundle/bin/python" -m bundling.archive "$folder" "$version" "$dist"
say "built $folder"
