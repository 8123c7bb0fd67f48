#!/bin/sh
# fresh-machine.sh - does what the README promises hold on a machine with nothing on it?
#
#     tools/fresh-machine.sh FOLDER [analyze|test|all]
#
# Makes a bare Debian 12 in FOLDER (some 6 GB; must not exist or be an earlier one of these), copies a clone of the
# committed project in, and runs there `./run analyze` on recordings (made here, and real ones when MEWL_DATA or
# ../shared/data has them) and `./test`. Needs root and debootstrap. Packages come from the mirror this machine uses.
set -eu
root=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
[ $# -ge 1 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "fresh-machine: only root can make and enter another system" >&2; exit 1; }
what=${2:-all}
mkdir -p "$1"
there=$(cd "$1" && pwd)
suite=bookworm

# The first Debian mirror in this machine's own settings: one-line (.list) or deb822 (.sources) form.
mirror_of_here() {
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
        sed -n 's/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) '"$suite"' .*/\2/p'
    cat /etc/apt/sources.list.d/*.sources 2>/dev/null |
        sed -n 's/^URIs: *\([^ ]*\).*/\1/p'
}

if [ ! -e "$there/etc/debian_version" ]; then
    command -v debootstrap >/dev/null || { echo "fresh-machine: needs the Debian package debootstrap" >&2; exit 1; }
    mirror=$(mirror_of_here | grep -v security | head -n 1)
    [ -n "$mirror" ] || { echo "fresh-machine: found no mirror of $suite in /etc/apt" >&2; exit 1; }
    echo "fresh-machine: making a bare Debian 12 in $there" >&2
    debootstrap --variant=minbase "$suite" "$there" "$mirror" >"$there.log" 2>&1 ||
        { tail -n 20 "$there.log" >&2; exit 1; }
    # What apt needs to reach the same mirrors from inside: sources, keys, certificates, and how to fetch (a proxy, say).
    rm -f "$there/etc/apt/sources.list"
    for name in sources.list sources.list.d trusted.gpg.d keyrings; do
        [ ! -e "/etc/apt/$name" ] || cp -a "/etc/apt/$name" "$there/etc/apt/"
    done
    apt-config dump | grep -E '^Acquire::(http|https|Check)' >"$there/etc/apt/apt.conf.d/99fetch-as-here" || true
    for folder in /etc/ssl/certs /usr/local/share/ca-certificates /usr/share/keyrings; do
        if [ -d "$folder" ]; then
            mkdir -p "$there$folder"
            cp -aL "$folder/." "$there$folder/" 2>/dev/null || true
        fi
    done
fi
cp -L /etc/resolv.conf /etc/hosts "$there/etc/" 2>/dev/null || true

# The bare minimum of a running machine. Unmounted whatever happens.
mounted=
# shellcheck disable=SC2317
leave() {
    for folder in $mounted; do
        umount "$folder" 2>/dev/null || umount -l "$folder" 2>/dev/null || true
    done
}
trap leave EXIT
trap 'exit 130' INT TERM
mount_in() { # FOLDER MOUNT_ARGUMENTS...
    mkdir -p "$there$1"
    mount "$2" "$3" ${4:+"$4"} "$there$1" && mounted="$there$1 $mounted"
}
mount_in /proc -t proc proc || echo "fresh-machine: /proc cannot be mounted here; going on without it" >&2
mount_in /dev --bind /dev || { for name in null zero full random urandom; do
    [ -e "$there/dev/$name" ] || cp -a "/dev/$name" "$there/dev/"; done; }

inside() {
    # shellcheck disable=SC2046
    chroot "$there" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LANG=C.UTF-8 \
        $(env | grep -E '^(https?_proxy|HTTPS?_PROXY|no_proxy|NO_PROXY)=') "$@"
}

rm -rf "$there/home/mewl"
mkdir -p "$there/home/mewl"
git clone -q "$root" "$there/home/mewl/mewl"
echo "fresh-machine: project at $(git -C "$there/home/mewl/mewl" log -1 --format='%h %s')" >&2

# Recordings: a tone that breathes like a cry, as a wav made on this machine; real ones where there are any.
data=${MEWL_DATA:-$root/../shared/data}
cries=
if [ -d "$data/esc10" ]; then
    mkdir -p "$there/home/mewl/recordings"
    find "$data/esc10" -path '*cry*' -type f | sort | head -n 3 | while read -r file; do
        cp "$file" "$there/home/mewl/recordings/"
    done
    cries=/home/mewl/recordings
fi
breath='0.27*max(0,sin(2*PI*t/1.6))*gt(t,5)*lt(t,15)'
harmonics='st(0,2*PI*(450*t+12*sin(2*PI*0.7*t)));sin(ld(0))+sin(2*ld(0))/2+sin(3*ld(0))/3+sin(4*ld(0))/4+sin(5*ld(0))/5'
harmonics=$harmonics'+sin(6*ld(0))/6+sin(7*ld(0))/7+sin(8*ld(0))/8'
ffmpeg -v error -f lavfi -i "aevalsrc=exprs='0.0003*sin(97*t*t)+$breath*($harmonics)':s=16000:d=20" -c:a pcm_s16le \
    "$there/home/mewl/night.wav"

code=0
if [ "$what" != test ]; then
    echo "fresh-machine: ./run analyze" >&2
    inside /bin/sh -c 'cd /home/mewl && ./mewl/run analyze night.wav --ndjson' || code=1
    if [ -n "$cries" ]; then
        inside /bin/sh -c "cd $cries && ../mewl/run analyze . --ndjson" || code=1
    fi
fi
if [ "$what" != analyze ]; then
    echo "fresh-machine: ./test" >&2
    inside /bin/sh -c 'cd /home/mewl/mewl && ./test' || code=1
fi
[ "$code" = 0 ] && echo "fresh-machine: all of it worked" >&2 || echo "fresh-machine: something failed" >&2
exit "$code"
