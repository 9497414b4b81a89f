/**
 * Every error and warning code, with one sentence each. A code never changes meaning.
 *
 * One block a module, alphabetical inside; `test/architecture/error-codes.test.ts` fails when a code is used but
 * not listed, or listed but not used.
 */
export const errorCodes = {
  // core
  FW_INTERNAL: 'an invariant of the program is broken: a bug',

  // addon
  FW_ENV_ADDON_MISSING: 'a native addon is not built, or a shared library that it links is missing',
  FW_NATIVE_ARGUMENT: 'the addon was handed an argument that TypeScript should have refused',
  FW_NATIVE_CANCELLED: 'an operation of the addon was cancelled',
  FW_NATIVE_DECOMPRESS: 'compressed data is damaged or ends early',
  FW_NATIVE_DECOMPRESS_LIMIT: 'compressed data holds more than the limit set for it',
  FW_NATIVE_LIBRARY: 'a library that the addon calls answered an error',
  FW_NATIVE_SYSTEM: 'a system call of the addon failed',

  // archive
  FW_ARCHIVE_DAMAGED: 'an archive is damaged, cut off, or of no known format',
  FW_ARCHIVE_ENTRY: 'an entry of an archive makes no sense: type, owner, hard link or clash of types',
  FW_ARCHIVE_IPK: 'a package lacks a part or has another format version',
  FW_ARCHIVE_LIMIT: 'an archive holds more entries or bytes than allowed',
  FW_ARCHIVE_NAME: 'a name or path in an archive is too long for Linux',
  FW_ARCHIVE_PATH: 'a path in an archive leads out of it: absolute, with .. or through a symlink',

  // boards
  FW_PROFILE_ALIGNMENT: 'a writable partition does not start or end on an erase block',
  FW_PROFILE_ALIGNMENT_FIRMWARE: 'the firmware partition does not start on an erase block',
  FW_PROFILE_DUPLICATE: 'two partitions have the same label',
  FW_PROFILE_FLASH: 'the flash chip cannot be as the profile says',
  FW_PROFILE_INVALID: 'a board profile has errors',
  FW_PROFILE_KEY: 'a key is not known',
  FW_PROFILE_LOADER: 'a profile does not say what the file is that a recipe step takes',
  FW_PROFILE_OUTSIDE: 'a partition reaches beyond the chip or its parent',
  FW_PROFILE_OVERLAP: 'two partitions overlap',
  FW_PROFILE_PARTITION: 'a partition is missing, empty or part of none',
  FW_PROFILE_SIZE: 'a size is more than the partition it is for',
  FW_PROFILE_SPLIT: 'the way firmware is split does not fit its partition',
  FW_PROFILE_STEP: 'a recipe names a step that does not exist',
  FW_PROFILE_STEP_FILE: 'a recipe step takes a file, and neither recipe nor command line names one',
  FW_PROFILE_STEP_PARAMETERS: 'a recipe step has wrong arguments',
  FW_PROFILE_VALUE: 'a value has the wrong type or range',
  FW_PROFILE_YAML: 'the file is not valid YAML',

  // budget
  FW_BUDGET_OVER: 'an image breaks a limit of the board or leaves too few erase blocks for the overlay',

  // build
  FW_BUILD_DIFFERS: 'a build gives other bytes than the artefacts it is compared with',
  FW_BUDGET_PARTITION: 'the file for a partition is larger than the partition',
  FW_PROFILE_COMPRESSOR: 'a board asks for a squashfs compressor that images cannot be written with',
  FW_PROFILE_NAND: 'a board has NAND flash, for which images cannot be built',
  FW_PROFILE_FLASH_FILE: 'a recipe has a file for a partition that the board does not have',
  FW_PROFILE_KERNEL: 'no kernel is named for a board',
  FW_PROFILE_RECIPE: 'a recipe has errors',
  FW_PROFILE_ROOT: 'a recipe names no source of the root tree',
  FW_USAGE_LOADER: 'a loader file is given for a board of which no step, or more than one, takes it',

  // cli
  FW_CANCELLED: 'the user cancelled the command; nothing was left half-written',
  FW_DIFF_LIMIT: 'the new image breaks a limit of the comparison',
  FW_ENV_ACCESS: 'the operating system refuses a file or folder',
  FW_ENV_DISK_FULL: 'a file system has no room left for the output',
  FW_ENV_FILE: 'the operating system reports a failure of a file or folder',
  FW_USAGE_ARGUMENT: 'the command line is wrong',
  FW_USAGE_BOARD: 'no board profile has this id',
  FW_USAGE_FILE: 'a file that the command line names is not there or of the wrong kind',
  FW_USAGE_MOUNT: 'mount options or layers are unknown or do not go together',

  // emulator
  FW_EMULATOR_BOARD: 'the board is not one that the emulator can run',
  FW_EMULATOR_COMMAND: 'the shell of the device does not know the command, or the device is off',
  FW_EMULATOR_IMAGE: 'the image is not one that this board would start',
  FW_EMULATOR_NO_BOOT: 'the device does not come up from this flash',
  FW_EMULATOR_PARTITION: 'a scenario writes to a partition that is not there or too small',
  FW_EMULATOR_REPLAY: 'the text is not the name of a power cut',
  FW_EMULATOR_SCENARIO: 'a scenario file has faults',
  FW_EMULATOR_STORAGE:
    'a scenario names storage that was never plugged in, or copies an overlay that is not there',

  // firmware
  FW_BUDGET_CHECK_SIZE: 'an image is larger than its size step allows',
  FW_FIRMWARE_CONTAINER:
    "a vendor's container is damaged, or does not say what goes into the partition firmware",
  FW_FIRMWARE_DEVICE_TREE: 'a device tree is damaged, or is none',
  FW_FIRMWARE_FIELD: 'a value does not fit the field of a header',
  FW_FIRMWARE_KERNEL: 'a file given as kernel is an image, or a kernel for another board or CPU',
  FW_FIRMWARE_MAGIC: 'the bytes are not the structure that was asked for',
  FW_FIRMWARE_OTHER_WAY: 'the image is flashed in another way than into the partition "firmware"',
  FW_FIRMWARE_SIGNATURE: 'a key or signature file is not what it should be',
  FW_FIRMWARE_STEP: 'a recipe step lacks something it needs',
  FW_FIRMWARE_STEP_REFUSED: 'a recipe step makes something that is not built',
  FW_FIRMWARE_TRUNCATED: 'a structure runs past the end of the file',
  FW_FIRMWARE_UNSIGNED: 'an image has no signature that can be verified',

  // flash
  FW_FLASH_ALIGNMENT: 'an erase does not begin on an erase block',
  FW_FLASH_ERASE: 'the chip failed to erase a block',
  FW_FLASH_GEOMETRY: 'a chip cannot have these sizes, or content is larger than the chip',
  FW_FLASH_PROGRAM: 'the chip failed to program',
  FW_FLASH_PROGRAM_SETS_BITS: 'a program would have to set bits, which only an erase can',
  FW_FLASH_RANGE: 'a flash operation or partition lies outside its device',
  FW_FLASH_READ: 'the chip failed to read a block',
  FW_FLASH_READONLY: 'a write to a read-only partition',
  FW_FLASH_TRACE: 'a recorded flash trace is damaged',

  // fuse
  FW_ENV_FUSE: 'the FUSE device is missing or may not be opened',

  // inspect
  FW_BUDGET_PIECE: 'an edited piece is larger than its place in the image',
  FW_INSPECT_PACK: 'an edited file system is of a kind that cannot be written',
  FW_INSPECT_PIECE: 'a piece of an unpacked image is missing or foreign',

  // jffs2
  FW_JFFS2_CHANGED: 'a file became shorter while a JFFS2 image was written from it',
  FW_JFFS2_DATA: 'the stored data of a JFFS2 node cannot be decompressed',
  FW_JFFS2_ENDIAN: 'a JFFS2 area is in the other byte order',
  FW_JFFS2_ERASE_SIZE: 'an erase size that JFFS2 cannot have',
  FW_JFFS2_LIMIT: 'something in a tree is larger than JFFS2 can hold',
  FW_JFFS2_NOT_FOUND: 'bytes that should hold JFFS2 have no node',
  FW_JFFS2_NO_MARKER: 'an upgrade image has no end marker where a file could be carried along',
  FW_JFFS2_OPTIONS: 'an option that no JFFS2 image can be written with',
  FW_JFFS2_TABLE: 'a line of a device table that cannot be read or applied',

  // rootfs
  FW_ROOTFS_CLASH: 'two sources of the root tree have a directory and something else at one path',
  FW_ROOTFS_DEVICE: 'a folder that is packed with clean attributes holds a device node',
  FW_ROOTFS_LIMIT: 'the contents of the root tree are larger than allowed',
  FW_ROOTFS_NAME: 'a tree holds a name that no folder of the host can hold',
  FW_ROOTFS_PACKAGES: 'packages cannot be installed as asked: unknown, in conflict, or damaged',
  FW_ROOTFS_RECORD: 'the record beside an unpacked folder is damaged',
  FW_ROOTFS_TABLE: 'a rule of the attribute table makes no sense or names what is not there',

  // squashfs
  FW_SQUASHFS_BLOCK: 'a block or table of a squashfs image is damaged',
  FW_SQUASHFS_COMPRESSOR: 'a squashfs image uses a compressor that cannot be decoded',
  FW_SQUASHFS_CONTENT: 'a file to pack has fewer bytes than it declares',
  FW_SQUASHFS_DIRECTORY: 'a directory of a squashfs image is damaged',
  FW_SQUASHFS_INODE: 'an inode of a squashfs image is damaged',
  FW_SQUASHFS_LIMIT: 'a number of the tree does not fit the fields of squashfs',
  FW_SQUASHFS_MAGIC: 'the bytes do not start with a squashfs super block',
  FW_SQUASHFS_NAME: 'a name cannot stand in a squashfs directory',
  FW_SQUASHFS_SUPER: 'a field of a squashfs super block is out of its range',
  FW_SQUASHFS_TIME: 'warning: a time outside 1970 to 2106 was stored as the nearest one that fits',
  FW_SQUASHFS_TREE: 'a directory stands in two places of the tree to pack',
  FW_SQUASHFS_TRUNCATED: 'a squashfs image ends early',
  FW_SQUASHFS_VERSION: 'a squashfs image has a version, byte order or variant that cannot be opened',
  FW_SQUASHFS_XATTR: 'the xattrs of a squashfs image are damaged',
  FW_SQUASHFS_XATTR_SKIPPED: 'warning: an xattr of a namespace that squashfs does not hold was left out',
  FW_USAGE_SQUASHFS_OPTION: 'an option of the squashfs writer is out of its range',

  // union
  FW_UNION_ABILITY: 'the upper of a union lacks something that an option needs; the option is off',
  FW_UNION_FORM: 'a form of whiteouts cannot hold what a layer holds',
  FW_UNION_LAYER: 'a layer of a union cannot be used as asked',
  FW_UNION_LEFTOVER: 'something that an earlier union left behind was removed',
  FW_UNION_LIST: 'a list of removed names in a layer cannot be read',
  FW_UNION_MARKS: 'the upper of a union holds marks of another version, and is not written to',
  FW_UNION_OPTIONS: 'options of a union contradict each other',
  FW_UNION_READ_ONLY: 'the upper of a union is read-only, and so is the union',
  FW_UNION_REDIRECT: 'a redirect mark of a layer is not valid and is ignored',
  FW_UNION_VOLATILE: 'the upper of a union was used without flushing and never ended properly',

  // vfs
} as const satisfies Record<string, string>;

/** One of the listed codes. */
export type ErrorCode = keyof typeof errorCodes;
