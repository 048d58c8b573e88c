# shellcheck shell=bash
# Sourced by scripts/check-deb: boots the systemd of a Debian tree as process 1 of
# namespaces of its own, with control groups below one that is its alone. As root.
readonly MACHINE_GROUP=tweedie-check-deb-$$
machine_pid=

# The hierarchies of control groups, below /sys/fs/cgroup, that systemd needs.
machine_hierarchies() {
  local name
  if [[ $(stat -f -c %T /sys/fs/cgroup) == cgroup2fs ]]; then
    echo .
    return
  fi
  for name in systemd unified; do
    [[ ! -d /sys/fs/cgroup/$name ]] || echo "$name"
  done
}

# What the machine sees of the host: nothing but its tree, and devices that hold nothing.
# Becomes systemd.
read -r -d '' MACHINE_INIT <<'INIT' || true
set -euo pipefail
mount --make-rprivate /
cd "$1"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
for folder in run dev; do mount -t tmpfs -o mode=755 tmpfs "$folder"; done
mount -t tmpfs -o mode=1777 tmpfs tmp
if [[ $2 == . ]]; then
  mount -t cgroup2 cgroup2 sys/fs/cgroup
else
  mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
  mkdir sys/fs/cgroup/{systemd,unified}
  mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
  mount -t cgroup2 cgroup2 sys/fs/cgroup/unified
fi
for device in null zero full random urandom tty; do
  touch "dev/$device"
  mount --bind "/dev/$device" "dev/$device"
done
ln -s /proc/self/fd dev/fd
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ip link set lo up
pivot_root . mnt
umount -l /mnt
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --system --log-target=null --show-status=no multi-user.target
INIT

# boot_machine TREE: TREE is a mount of its own. Returns once systemd answers.
boot_machine() {
  local hierarchies name
  mapfile -t hierarchies < <(machine_hierarchies)
  (
    for name in "${hierarchies[@]}"; do
      mkdir "/sys/fs/cgroup/$name/$MACHINE_GROUP"
      echo "$BASHPID" >"/sys/fs/cgroup/$name/$MACHINE_GROUP/cgroup.procs"
    done
    exec unshare --cgroup --mount --pid --ipc --uts --net --fork --kill-child \
      bash -c "$MACHINE_INIT" boot "$1" "${hierarchies[0]}"
  ) &
  local unshare_pid=$!
  until machine_pid=$(pgrep -P "$unshare_pid" -x systemd); do
    kill -0 "$unshare_pid" || fail 'systemd does not start in namespaces of its own'
    sleep 0.1
  done
  until in_machine systemctl is-system-running --wait >/dev/null 2>&1 ||
    [[ $(in_machine systemctl is-system-running 2>/dev/null) == degraded ]]; do
    kill -0 "$unshare_pid" || fail 'systemd has ended'
    sleep 0.1
  done
}

in_machine() {
  nsenter --target "$machine_pid" --mount --pid --ipc --uts --net --cgroup --root --wd \
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

stop_machine() {
  [[ -n $machine_pid ]] || return 0
  local name
  kill -KILL "$machine_pid"
  machine_pid=
  wait 2>/dev/null || true
  while read -r name; do
    find "/sys/fs/cgroup/$name/$MACHINE_GROUP" -depth -type d -exec rmdir {} \;
  done < <(machine_hierarchies)
}
