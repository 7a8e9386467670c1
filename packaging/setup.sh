#!/bin/sh
# Sees to what `make run`, `make test`, `make bench`, `make dist` and `make bundle` need, and is quick when it is all
# there. POSIX sh: on a fresh machine there is nothing else yet.
#
#   packaging/setup.sh run      .venv with the program, the system libraries that Qt needs
#   packaging/setup.sh test     the same with the test tools, a virtual screen, Node and the Node packages of tests/node
#   packaging/setup.sh bench    the same as for the tests, and cutelog in an environment of its own, .venv-cutelog
#   packaging/setup.sh deb      the program, and Debian's tools for packages
#   packaging/setup.sh dist     .venv-dist with what builds a wheel
#   packaging/setup.sh bundle WHEEL   .venv-bundle with WHEEL, what that needs and PyInstaller alone; what PyInstaller calls
#
# PYTHON names the interpreter to make .venv from; otherwise the first Python 3.11 or newer that is found.
# VENVS is the folder of the last two environments, a whole path; otherwise this project's.
# System packages are installed with apt-get by root or where sudo asks for no password; nobody is asked for one here.
#
# Lists of packages are split into words where they stand without quotes, and that is meant:
# shellcheck disable=SC2086
set -eu

stage=${1:-run}
# -P: the environment's programs name their folder without symbolic links, and are compared with this.
cd -P "$(dirname "$0")/.."
case $stage in
dist | bundle) venv=${VENVS:-$PWD}/.venv-$stage ;;
*) venv=$PWD/.venv ;;
esac
cutelog_venv=.venv-cutelog
oldest_python=11

# Debian's names. Qt's own libraries link to each of these directly (`objdump -p`, PySide6 6.11); what they need in turn
# comes with them. Nothing here decides whether something is missing: missing_libraries does, by asking the linker.
qt_packages="libdbus-1-3 libegl1 libfontconfig1 libfreetype6 libgl1 libglib2.0-0 libwayland-client0 libwayland-cursor0
libwayland-egl1 libx11-6 libx11-xcb1 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0
libxcb-render-util0 libxcb-render0 libxcb-shape0 libxcb-shm0 libxcb-sync1 libxcb-util1 libxcb-xfixes0 libxcb-xkb1
libxcb1 libxkbcommon-x11-0 libxkbcommon0"
# Qt brings no font of its own: without one every letter is an empty box.
font_packages="fonts-dejavu-core"

# cutelog's Qt is an older one, and links to one more.
also_linked=
if [ "$stage" = bench ]; then
    qt_packages="$qt_packages libxcb-xinerama0"
    also_linked="$cutelog_venv/lib/python3*/site-packages/PyQt5/Qt5/plugins/platforms/libqxcb.so"
fi

# Programs that are called, each with its package: what tests call and drive windows with, what PyInstaller calls.
case $stage in
run | dist) programs= ;;
deb) programs="dpkg-deb:dpkg dpkg-shlibdeps:dpkg-dev" ;;
test | bench) programs="curl:curl Xvfb:xvfb openbox:openbox xdotool:xdotool xprop:x11-utils setpriv:util-linux objdump:binutils strip:binutils
xz:xz-utils node:nodejs npm:npm desktop-file-validate:desktop-file-utils appstreamcli:appstream gio:libglib2.0-bin
update-mime-database:shared-mime-info gtk-update-icon-cache:gtk-update-icon-cache dpkg-deb:dpkg
dpkg-shlibdeps:dpkg-dev fakeroot:fakeroot groff:groff-base" ;;
bundle)
    programs="objdump:binutils strip:binutils xz:xz-utils"
    wheel=${2:?"packaging/setup.sh bundle takes the wheel that is bundled: make bundle"}
    ;;
*)
    echo "packaging/setup.sh takes run, test, bench, dist, bundle or deb, not $stage" >&2
    exit 2
    ;;
esac

say() {
    printf '%s\n' "desktop-logs: $*"
}

fail() {
    say "$*" >&2
    exit 1
}

is_linux() {
    [ "$(uname -s)" = Linux ]
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# Words on one line, for messages and for apt-get.
one_line() {
    printf '%s' "$*" | tr '\n' ' '
}

# --- system packages ------------------------------------------------------------------------------------------------

# How root is reached without asking anybody for anything: nothing, "sudo -n", or failure.
root_prefix() {
    if [ "$(id -u)" = 0 ]; then
        echo ""
    elif have sudo && sudo -n true 2>/dev/null; then
        echo "sudo -n"
    else
        return 1
    fi
}

# Installs Debian packages; fails, without a word, where that is not allowed or does not work.
apt_install() {
    have apt-get || return 1
    prefix=$(root_prefix) || return 1
    say "installing with apt-get: $(one_line "$@")"
    apt="$prefix env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0"
    # An update that fails (no network, one dead mirror) still leaves the lists of the last one.
    $apt update </dev/null || say "apt-get update failed; trying with the package lists that are there" >&2
    $apt install -y --no-install-recommends "$@" </dev/null >"$apt_log" 2>&1 || {
        cat "$apt_log" >&2
        return 1
    }
}

apt_log=$(mktemp "${TMPDIR:-/tmp}/desktop-logs-apt.XXXXXX")
trap 'rm -f "$apt_log"' EXIT

# Says what to do about something missing that could not be installed from here: $1 what, then Debian's packages.
hint() {
    what=$1
    shift
    if have apt-get; then
        say "$what. This installs what is needed:" >&2
        printf '\n    sudo apt-get update && sudo apt-get install --no-install-recommends %s\n\n' "$(one_line "$@")" >&2
    else
        say "$what. Install it with this system's package manager; Debian's packages are: $(one_line "$@")" >&2
    fi
}

# --- Python ---------------------------------------------------------------------------------------------------------

python_minor() {
    "$1" -c 'import sys; print(sys.version_info[1] if sys.version_info[0] == 3 else 0)' 2>/dev/null || echo 0
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        have "$PYTHON" || fail "PYTHON=$PYTHON is not a program that can be run. Name a Python 3.$oldest_python or newer."
        [ "$(python_minor "$PYTHON")" -ge "$oldest_python" ] || fail "Python 3.$oldest_python or newer is needed," \
            "and PYTHON=$PYTHON is $("$PYTHON" --version 2>&1). Name a newer one."
        echo "$PYTHON"
        return
    fi
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if have "$candidate" && [ "$(python_minor "$candidate")" -ge "$oldest_python" ]; then
            echo "$candidate"
            return
        fi
    done
    if have python3; then
        fail "Python 3.$oldest_python or newer is needed, and python3 is $(python3 --version 2>&1)." \
            "Install a newer one and name it: make $stage PYTHON=/path/to/python3.12"
    fi
    fail "Python 3.$oldest_python or newer is needed, and there is no python3 here. On Debian: sudo apt-get install python3"
}

# The environment works, and was not moved: its programs name their interpreter by its whole path.
venv_is_usable() {
    [ -e "$venv/bin/pip" ] && head -n 2 "$venv/bin/pip" | grep -qF "$venv/bin/python" && "$venv/bin/python" -c ''
}

make_venv() {
    python=$(find_python)
    # Debian ships venv without the part that brings pip, in a package of its own.
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        package=python3-venv
        case $python in *3.[0-9]*) package="python3.$(python_minor "$python")-venv" ;; esac
        apt_install "$package" || {
            # Nobody wants to type twice: what Qt and the programs need cannot be told yet, so all of it is named.
            is_linux && package="$package $qt_packages $font_packages $(packages_of $programs)"
            hint "$python cannot make virtual environments, for its ensurepip module is missing" $package
            exit 1
        }
    fi
    say "making ${venv##*/} with $("$python" --version 2>&1)"
    "$python" -m venv --clear "$venv"
}

# What the installed packages depend on, as one number. Python's own version is in the environment's folder.
python_key() {
    cat pyproject.toml packaging/setup.sh | cksum
}

pip_install() {
    say "installing $(one_line "$@") into ${venv##*/}"
    "$venv/bin/python" -m pip --disable-pip-version-check --quiet install "$@" ||
        fail "this could not be installed into $venv; pip says why above."
}

# $1: what to install, as pip names it. The development tools contain what `run` needs, so they count for both.
install_project() {
    key=$(python_key)
    for stamp in "$venv/.desktop-logs-$1" "$venv/.desktop-logs-dev"; do
        [ "$(cat "$stamp" 2>/dev/null)" = "$key" ] && return
    done
    target=.
    [ "$1" = dev ] && target=".[dev]"
    pip_install --editable "$target"
    printf '%s\n' "$key" >"$venv/.desktop-logs-$1"
}

# The peer that the benchmarks measure beside the window. It names no Qt of its own on Linux, and imports what newer
# versions of setuptools do not bring any more.
install_cutelog() {
    key=$(cksum <packaging/setup.sh)-$("$venv/bin/python" --version)
    stamp=$cutelog_venv/.desktop-logs
    [ "$(cat $stamp 2>/dev/null)" = "$key" ] && return
    say "installing cutelog into $cutelog_venv"
    "$venv/bin/python" -m venv --clear $cutelog_venv
    $cutelog_venv/bin/python -m pip --disable-pip-version-check --quiet install cutelog==2.2.0 PyQt5 'setuptools<81' ||
        fail "cutelog could not be installed into $cutelog_venv; pip says why above."
    printf '%s\n' "$key" >$stamp
}

# What makes the archives for pip. It is given no environment of its own for that (`build` would make one each time).
install_build() {
    stamp=$venv/.desktop-logs
    key=$(python_key)
    [ "$(cat "$stamp" 2>/dev/null)" = "$key" ] && return
    pip_install 'build>=1.2' hatchling
    printf '%s\n' "$key" >"$stamp"
}

# All that stands in this environment may be bundled: it is made anew when what is needed has changed, and a newer wheel
# takes the place of the older one.
make_bundle_venv() {
    stamp=$venv/.desktop-logs
    key=$(python_key)
    wheel_key=$(cksum <"$wheel")
    if ! venv_is_usable || [ "$(sed -n 1p "$stamp" 2>/dev/null)" != "$key" ]; then
        make_venv
        pip_install "${wheel}[bundle]"
    elif [ "$(sed -n 2p "$stamp")" != "$wheel_key" ]; then
        pip_install --no-deps --force-reinstall "$wheel"
    fi
    printf '%s\n' "$key" "$wheel_key" >"$stamp"
}

# --- Qt -------------------------------------------------------------------------------------------------------------

# The names of libraries that Qt's parts link to and the linker does not find; nothing when all is well.
missing_libraries() {
    have ldd || return 0
    for pyside in "$venv"/lib/python3*/site-packages/PySide6; do
        for file in $also_linked "$pyside"/QtGui*.so "$pyside"/QtWidgets*.so "$pyside"/QtSvg*.so \
            "$pyside"/Qt/plugins/platforms/libqxcb.so "$pyside"/Qt/plugins/platforms/libqwayland*.so \
            "$pyside"/Qt/plugins/wayland-graphics-integration-client/libqt-plugin-wayland-egl.so; do
            [ -e "$file" ] && ldd "$file" 2>/dev/null
        done
    done | awk '/not found/ { print $1 }' | sort -u
}

have_fonts() {
    for folder in /usr/share/fonts /usr/local/share/fonts "${HOME:-/nonexistent}/.fonts" \
        "${XDG_DATA_HOME:-${HOME:-/nonexistent}/.local/share}/fonts"; do
        [ -d "$folder" ] && [ -n "$(find -L "$folder" \( -name '*.[to]tf' -o -name '*.ttc' \) -print 2>/dev/null | head -n 1)" ] &&
            return
    done
    return 1
}

# --- what the system lacks ------------------------------------------------------------------------------------------

# The packages of all pairs program:package.
packages_of() {
    for pair in "$@"; do
        echo "${pair#*:}"
    done
}

# PyInstaller copies Python's shared library; Debian keeps it apart from the interpreter, which does not use it.
have_libpython() {
    "$venv/bin/python" -c 'from PyInstaller.depend.bindepend import get_python_library_path as path
raise SystemExit(not path())' 2>/dev/null
}

# Fills `missing`, what is not there in a person's words, and `packages`, what Debian calls it.
look() {
    missing=
    packages=
    if is_linux; then
        missing=$(missing_libraries)
        [ -z "$missing" ] || packages=$qt_packages
        have_fonts || {
            missing="$missing a font"
            packages="$packages $font_packages"
        }
        if [ "$stage" != run ] && [ "$stage" != deb ] && ! have_libpython; then
            missing="$missing libpython"
            packages="$packages libpython3.$(python_minor "$venv/bin/python")"
        fi
    fi
    for pair in $programs; do
        have "${pair%%:*}" || {
            missing="$missing ${pair%%:*}"
            packages="$packages ${pair#*:}"
        }
    done
}

see_to_system() {
    look
    [ -n "$packages" ] || return 0
    apt_install $packages && look
    [ -n "$packages" ] || return 0
    hint "this system lacks $(one_line $missing)" $packages
    # A window cannot open without; the hub in the terminal can, and the program runs that where there is no display.
    [ "$stage" = run ] && [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] && return 0
    exit 1
}

see_to_node() {
    stamp=tests/node/node_modules/.desktop-logs
    key=$(cat tests/node/package-lock.json packaging/setup.sh | cksum)-$(node --version)
    [ "$(cat $stamp 2>/dev/null)" = "$key" ] && return
    say "installing the Node packages of tests/node"
    # --ignore-scripts: none of these packages needs a step of its own to work.
    (cd tests/node && npm ci --ignore-scripts --loglevel=error </dev/null) ||
        fail "the Node packages of tests/node could not be installed; npm says why above."
    printf '%s\n' "$key" >$stamp
}

# --------------------------------------------------------------------------------------------------------------------

case $stage in bundle) make_bundle_venv ;; *) venv_is_usable || make_venv ;; esac
case $stage in
run | deb) install_project run ;;
test | bench) install_project dev ;;
dist) install_build ;;
esac
if [ "$stage" = bench ]; then install_cutelog; fi
if [ "$stage" != dist ]; then see_to_system; fi
case $stage in test | bench) see_to_node ;; esac
