{
  # One target a subject, each its own .node file, so that a missing optional library costs only its own part.
  'target_defaults': {
    'cflags_cc': ['-std=c++20', '-Wall', '-Wextra', '-Wno-unused-parameter', '-fexceptions', '-fvisibility=hidden'],
    'cflags_cc!': ['-fno-exceptions', '-std=gnu++17', '-std=gnu++14', '-std=gnu++1y'],
    'include_dirs': ['<!@(node -p "require(\'node-addon-api\').include_dir")'],
    'defines': ['NAPI_VERSION=9', 'NODE_ADDON_API_CPP_EXCEPTIONS', '_FILE_OFFSET_BITS=64'],
  },
  'targets': [
    # --- squashfs (libsquashfs, liblzma)
    {
      'target_name': 'firmwright_squashfs',
      'sources': [
        'native/error.cc',
        'native/squashfs-addon.cc',
        'native/squashfs-block-store.cc',
        'native/squashfs-check.cc',
        'native/squashfs-compressor.cc',
        'native/squashfs-content.cc',
        'native/squashfs-metadata.cc',
        'native/squashfs-output.cc',
        'native/squashfs-pack.cc',
        'native/squashfs-reader.cc',
        'native/squashfs-scan.cc',
        'native/squashfs-similarity.cc',
        'native/squashfs-source.cc',
        'native/squashfs-spool.cc',
        'native/squashfs-writer.cc',
        'native/squashfs-xz-compressor.cc',
      ],
      'cflags_cc': ['<!@(pkg-config --cflags libsquashfs1 liblzma)'],
      'libraries': ['<!@(pkg-config --libs libsquashfs1 liblzma)', '-lpthread'],
    },

    # --- archive (libarchive)
    {
      'target_name': 'firmwright_archive',
      'sources': [
        'native/archive-addon.cc',
        'native/archive-read.cc',
        'native/archive-write.cc',
        'native/error.cc',
      ],
      'libraries': ['-larchive'],
    },

    # --- compress (liblzma, liblzo2, libdeflate, zlib)
    {
      'target_name': 'firmwright_compress',
      'sources': [
        'native/compress-addon.cc',
        'native/compress-deflate.cc',
        'native/compress-lzma.cc',
        'native/compress-lzo.cc',
        'native/compress-pages.cc',
        'native/error.cc',
      ],
      # zlib is linked in and bound here: Node exports its own zlib, whose encoder gives other bytes.
      'libraries': ['-llzma', '-llzo2', '-ldeflate', '-l:libz.a', '-lpthread'],
      'ldflags': ['-Wl,-Bsymbolic', '-Wl,--exclude-libs,libz.a'],
    },

    # --- hostfs (system calls that Node lacks)
    {
      'target_name': 'firmwright_hostfs',
      'sources': ['native/host-calls.cc'],
    },

    # --- fuse (libfuse3, optional: see the conditions below)

    { 'target_name': 'none', 'type': 'none' },
  ],
  'conditions': [
    ['"<!(pkg-config --exists fuse3 && echo yes || echo no)"=="yes"', {
      'targets': [
        {
          'target_name': 'firmwright_fuse',
          'sources': [
            'native/error.cc', 'native/fuse-operations.cc', 'native/fuse-session.cc', 'native/fuse-tmpfile.cc',
          ],
          'cflags_cc': ['<!@(pkg-config --cflags fuse3)'],
          'libraries': ['<!@(pkg-config --libs fuse3)'],
        },
      ],
    }],
  ],
}
