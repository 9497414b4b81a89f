#include "archive-read.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "archive-locale.h"
#include "error.h"

namespace firmwright {

namespace {

using ReadHandle = std::unique_ptr<archive, decltype(&archive_read_free)>;

/** A file that is closed whatever happens. */
struct Descriptor {
  int number = -1;
  ~Descriptor() {
    if (number >= 0) close(number);
  }
};

[[noreturn]] void fail(archive *source) {
  const char *text = archive_error_string(source);
  int number = archive_errno(source);
  std::string message = text == nullptr ? "unknown" : text;
  // Positive small numbers are errnos of the host; what concerns the format has EILSEQ, EINVAL or
  // libarchive's own.
  bool host = number == EIO || number == EACCES || number == ENOENT || number == EISDIR || number == ENOMEM;
  if (host) throw systemFailure(message, "", number);
  throw Failure(FailureKind::kDamaged, message, "", 0, "");
}

void expectOk(archive *source, int code) {
  // A warning of set-up means that an external program would be used, which none of the filters asked for is.
  if (code < ARCHIVE_WARN) fail(source);
}

ReadHandle open(const ArchiveReadJob &job) {
  ReadHandle source(archive_read_new(), archive_read_free);
  if (!source) throw systemFailure("allocate memory", "", ENOMEM);
  archive *raw = source.get();
  expectOk(raw, archive_read_support_filter_gzip(raw));
  expectOk(raw, archive_read_support_filter_bzip2(raw));
  expectOk(raw, archive_read_support_filter_xz(raw));
  expectOk(raw, archive_read_support_filter_lzma(raw));
  expectOk(raw, archive_read_support_filter_zstd(raw));
  expectOk(raw, archive_read_support_filter_lz4(raw));
  expectOk(raw, archive_read_support_format_tar(raw));
  expectOk(raw, archive_read_support_format_cpio(raw));
  expectOk(raw, archive_read_support_format_ar(raw));
  expectOk(raw, archive_read_support_format_zip(raw));
  if (job.path.empty())
    expectOk(raw, archive_read_open_memory(raw, job.bytes.data(), job.bytes.size()));
  else
    expectOk(raw, archive_read_open_filename(raw, job.path.c_str(), 65536));
  return source;
}

const char *orEmpty(const char *text) { return text == nullptr ? "" : text; }

ArchivedEntry describe(archive_entry *from) {
  ArchivedEntry entry;
  entry.path = orEmpty(archive_entry_pathname(from));
  if (const char *target = archive_entry_hardlink(from)) {
    entry.hardlink = true;
    entry.linkTarget = target;
  } else if (const char *symlink = archive_entry_symlink(from)) {
    entry.linkTarget = symlink;
  }
  entry.type = archive_entry_filetype(from);
  entry.mode = archive_entry_perm(from);
  entry.uid = archive_entry_uid(from);
  entry.gid = archive_entry_gid(from);
  entry.mtimeSeconds = archive_entry_mtime(from);
  entry.mtimeNanoseconds = static_cast<uint32_t>(archive_entry_mtime_nsec(from));
  entry.rdevMajor = static_cast<uint32_t>(archive_entry_rdevmajor(from));
  entry.rdevMinor = static_cast<uint32_t>(archive_entry_rdevminor(from));
  entry.size = archive_entry_size_is_set(from)
                   ? static_cast<uint64_t>(std::max<int64_t>(0, archive_entry_size(from)))
                   : 0;
  entry.acl = archive_entry_acl_types(from) != 0;
  archive_entry_xattr_reset(from);
  const char *name;
  const void *value;
  size_t size;
  while (archive_entry_xattr_next(from, &name, &value, &size) == ARCHIVE_OK) {
    auto bytes = static_cast<const uint8_t *>(value);
    entry.xattrs.emplace_back(name, std::vector<uint8_t>(bytes, bytes + size));
  }
  return entry;
}

/** Receives contents one behind the other. */
class Spool {
 public:
  Spool(ArchiveReadJob &job) : job_(job) {
    if (job.spoolPath.empty()) return;
    file_.number = ::open(job.spoolPath.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file_.number < 0) throw systemFailure("create spool file", job.spoolPath, errno);
  }

  /** Starts the content of one file at a page border, so that its holes stay holes of the spool file. */
  uint64_t start() { return start_ = job_.spoolPath.empty() ? end_ : (end_ + 4095) & ~uint64_t{4095}; }

  void write(const uint8_t *data, size_t size, uint64_t offset) {
    if (size == 0) return;
    extend(offset + size);
    if (job_.spoolPath.empty()) {
      std::copy(data, data + size, job_.contents.begin() + static_cast<ptrdiff_t>(start_ + offset));
      return;
    }
    for (size_t done = 0; done < size;) {
      ssize_t count =
          pwrite(file_.number, data + done, size - done, static_cast<off_t>(start_ + offset + done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) throw systemFailure("write spool file", job_.spoolPath, errno);
      done += static_cast<size_t>(count);
    }
  }

  /** Makes the content at least `size` bytes long, by a hole. */
  void extend(uint64_t size) {
    used_ += std::max(size, size_) - size_;
    if (used_ > job_.contentLimit)
      throw Failure(FailureKind::kLimit,
                    "the files of the archive take more than " + std::to_string(job_.contentLimit) + " bytes",
                    "", 0, "");
    size_ = std::max(size, size_);
    end_ = std::max(end_, start_ + size_);
    if (job_.spoolPath.empty() && job_.contents.size() < end_) job_.contents.resize(end_);
  }

  uint64_t finishFile() { return std::exchange(size_, 0); }

  void finish() {
    if (file_.number >= 0 && ftruncate(file_.number, static_cast<off_t>(end_)) != 0)
      throw systemFailure("write spool file", job_.spoolPath, errno);
  }

 private:
  ArchiveReadJob &job_;
  Descriptor file_;
  uint64_t start_ = 0, end_ = 0, size_ = 0, used_ = 0;
};

}  // namespace

void ArchiveReadJob::run(const std::atomic<uint32_t> *cancelled) {
  CLocale locale;
  auto checkCancelled = [&] {
    if (cancelled != nullptr && cancelled->load(std::memory_order_relaxed) != 0)
      throw Failure(FailureKind::kCancelled, "read archive", "", 0, path);
  };
  ReadHandle source = open(*this);
  Spool spool(*this);
  // Where the last content ended in the unpacked archive, to notice that the end blocks of a tar are not
  // there.
  int64_t contentEnd = 0;
  for (;;) {
    checkCancelled();
    archive_entry *from = nullptr;
    int code = archive_read_next_header(source.get(), &from);
    if (code == ARCHIVE_EOF) break;
    if (code < ARCHIVE_WARN) fail(source.get());
    ArchivedEntry entry = describe(from);
    if (code == ARCHIVE_WARN) {
      // In the C locale names that are not ASCII come through as they are, with this warning.
      const char *text = orEmpty(archive_error_string(source.get()));
      if (strstr(text, "converted") == nullptr) warnings.push_back(entry.path + ": " + text);
    }
    if (entries.size() >= entryLimit)
      throw Failure(FailureKind::kLimit,
                    "the archive has more than " + std::to_string(entryLimit) + " entries", "", 0, "");
    if (entry.type == S_IFREG || entry.hardlink) {
      entry.spoolOffset = spool.start();
      spool.extend(entry.size);
      for (;;) {
        checkCancelled();
        const void *data;
        size_t size;
        la_int64_t offset;
        code = archive_read_data_block(source.get(), &data, &size, &offset);
        if (code == ARCHIVE_EOF) break;
        if (code < ARCHIVE_WARN) fail(source.get());
        spool.write(static_cast<const uint8_t *>(data), size, static_cast<uint64_t>(offset));
      }
      entry.size = spool.finishFile();
      entry.hasData = !entry.hardlink || entry.size > 0;
    }
    contentEnd = archive_filter_bytes(source.get(), 0);
    entries.push_back(std::move(entry));
  }
  format = orEmpty(archive_format_name(source.get()));
  bool tar = (archive_format(source.get()) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR;
  if (tar && archive_filter_bytes(source.get(), 0) - contentEnd < 512)
    throw Failure(FailureKind::kDamaged, "the tar archive ends without its end blocks: it was cut off", "", 0,
                  "");
  spool.finish();
}

}  // namespace firmwright
