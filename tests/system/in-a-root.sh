#!/bin/sh
# in-a-root.sh - `in-a-root.sh SCRIPT ARGUMENT...` runs SCRIPT as root of this machine as it is, but nothing of what it does
# stays: all is written into memory, the network is a loopback of its own, and all that it starts ends with it. Ends with 77
# where the kernel does not allow that.
set -u
if [ "${IN_A_ROOT:-}" = "" ]; then
    unshare --mount --net --pid --fork --kill-child true 2>/dev/null || exit 77
    export IN_A_ROOT=outside
    exec unshare --mount --net --pid --fork --kill-child sh "$0" "$@"
fi
base=$(mktemp -d) || exit 77
mount --make-rprivate / 2>/dev/null
mount -t tmpfs in-a-root "$base" || exit 77
mkdir "$base/new" "$base/work" "$base/root"
mount -t overlay in-a-root -o "lowerdir=/,upperdir=$base/new,workdir=$base/work" "$base/root" || exit 77
mount -t proc proc "$base/root/proc" && mount --rbind /dev "$base/root/dev" && mount -t tmpfs run "$base/root/run" || exit 77
ip link set lo up || exit 77
cp "$1" "$base/root/in-a-root" && shift
export IN_A_ROOT=inside
exec chroot "$base/root" sh /in-a-root "$@"
