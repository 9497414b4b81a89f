/** The helper of mount(8): `mount -t fuse.firmwright` and lines of fstab come to /sbin/mount.fuse.firmwright. */

/** Where mount(8) looks for the helper. */
export const helperPath = '/sbin/mount.fuse.firmwright';

/**
 * Writes the helper, a shell script that turns the arguments of mount(8) into a command line of ours.
 *
 * @param program  words that start Firmwright, with absolute paths: mount(8) cares little for PATH
 */
export function helperScript(program: readonly string[]): string {
  return `#!/bin/sh
# Called by mount(8) for the type fuse.firmwright: SOURCE DIRECTORY [-sfnv] [-N NAMESPACE] [-o OPTIONS] [-t TYPE]
source=$1 directory=$2 options=rw fake=
shift 2
while getopts sfnvN:o:t: word; do
	case $word in
	f) fake=yes ;;
	o) options=$OPTARG ;;
	esac
done
[ -z "$fake" ] || exit 0
exec ${program.map(quoted).join(' ')} mount "$source" "$directory" -o "$options"
`;
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
