# Puts the writable partition over the read-only root.

find_partition() {
	local number name
	while IFS=': ' read -r number _ _ name; do
		[ "$name" = "\"$1\"" ] && { echo "${number#mtd}"; return 0; }
	done </proc/mtd
	return 1
}

mount_overlay() {
	local number
	number=$(find_partition rootfs_data) || return 1
	mount -t jffs2 "/dev/mtdblock$number" /overlay || return 1
	mkdir -p /overlay/upper /overlay/work
	mount -t overlay -o lowerdir=/,upperdir=/overlay/upper,workdir=/overlay/work overlay /mnt
}
