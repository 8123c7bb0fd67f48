# shellcheck shell=sh
# setup.sh - what ./run and ./test share: Debian packages and Meson build folders. Sourced by them, not run.
# Sets nothing but functions; expects $root, the project's folder, and speaks on stderr alone.

# Where the builds go. Elsewhere when the project's own folder cannot be written or is shared: MEWL_BUILD=/some/folder.
builds=${MEWL_BUILD:-$root/build}

say() {
    printf 'mewl: %s\n' "$*" >&2
}

give_up() {
    say "$*"
    exit 1
}

# as_root COMMAND...: runs it, through sudo when this is not root.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo -- "$@"
    fi
}

# packages_missing LIST...: prints the packages of these lists that are not installed, on one line.
packages_missing() {
    # One call for all: dpkg-query answers for the installed ones and complains, unheard, about the others.
    wanted=$(cat "$@")
    # shellcheck disable=SC2086
    there=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null | sed -n 's/^installed //p')
    for package in $wanted; do
        case "
$there
" in
        *"
$package
"*) ;;
        *) printf '%s ' "$package" ;;
        esac
    done
}

# packages_install LIST...: installs what is missing, saying so.
packages_install() {
    if ! command -v dpkg-query >/dev/null 2>&1; then
        # Not Debian or a child of it: Meson will name the first thing that is missing.
        return 0
    fi
    missing=$(packages_missing "$@")
    missing=${missing% }
    if [ -z "$missing" ]; then
        return 0
    fi
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null 2>&1; then
        give_up "these Debian packages are missing, and only root can install them (there is no sudo): run, as root,
  apt-get install --no-install-recommends $missing"
    fi
    say "installing the Debian packages $missing"
    log=$(mktemp "${TMPDIR:-/tmp}/mewl-apt-XXXXXX") || give_up "cannot write a temporary file in ${TMPDIR:-/tmp}"
    # The lists first: on a fresh machine there are none, on an old one they name versions that are gone.
    as_root apt-get -q -o DPkg::Lock::Timeout=300 update >"$log" 2>&1 || true
    # shellcheck disable=SC2086
    if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
        --no-install-recommends install $missing >>"$log" 2>&1; then
        tail -n 15 "$log" >&2
        if grep -qE 'Temporary failure resolving|Could not resolve|Could not connect|Failed to fetch|Unable to connect|Network is unreachable' "$log"; then
            give_up "the packages could not be fetched: is the network there? Try again, or install them yourself:
  apt-get install --no-install-recommends $missing
(all of apt-get's words: $log)"
        fi
        give_up "apt-get could not install the packages (all of its words: $log)"
    fi
    rm -f "$log"
}

# machine_mark: changes when a build made here would not run or not fit: another folder, another processor, another list
# of options. The build is tuned for the processor it is made on.
machine_mark() {
    printf '%s\n' "$root" "$@"
    uname -m
    grep -m 1 -E '^(flags|Features)' /proc/cpuinfo 2>/dev/null || true
}

# build NAME TARGETS -- MESON_OPTIONS...: sets up $builds/NAME when needed and builds the targets ("" for all). Silent unless it
# fails. One at a time for each folder.
build() {
    name=$1 targets=$2
    shift 3
    folder=$builds/$name
    mkdir -p "$folder" 2>/dev/null || give_up "cannot write $folder; set MEWL_BUILD to a folder that can be written"
    log=$folder/mewl-build.log
    (
        flock 9
        mark=$(machine_mark "$@")
        if [ ! -f "$folder/build.ninja" ] || [ "$mark" != "$(cat "$folder/mewl-mark" 2>/dev/null)" ]; then
            say "setting up the $name build (once)"
            # What an older set-up left, the lock and the log aside.
            find "$folder" -mindepth 1 -maxdepth 1 ! -name mewl-build.log ! -name mewl-lock -exec rm -rf {} +
            if ! meson setup "$folder" "$root" "$@" >"$log" 2>&1; then
                grep -E 'ERROR|error:' "$log" >&2 || tail -n 20 "$log" >&2
                give_up "the set-up of the build failed (all of it: $log)"
            fi
            printf '%s\n' "$mark" >"$folder/mewl-mark"
        fi
        # Only a build that has something to do is worth a word: the first takes minutes.
        # shellcheck disable=SC2086
        if ninja -C "$folder" -n $targets 2>/dev/null | grep -q 'no work to do'; then
            exit 0
        fi
        say "building ($name)"
        # shellcheck disable=SC2086
        if ! ninja -C "$folder" $targets >"$log" 2>&1; then
            grep -q -E 'FAILED|error:' "$log" || tail -n 20 "$log" >&2
            grep -E -A 12 'FAILED|error:|undefined reference' "$log" | head -n 60 >&2
            give_up "the build failed (all of it: $log)"
        fi
    ) 9>"$folder/mewl-lock" || exit 1
}
