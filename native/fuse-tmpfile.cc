// O_TMPFILE, which libfuse 3.14 does not know: this one request is read and answered here, in the wire format
// of linux/fuse.h (protocol 7.37 and later).
#include <linux/fuse.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

#include "fuse-session.h"

namespace firmwright {

namespace {

// Its number is younger than some kernel headers.
constexpr uint32_t kTmpfileOpcode = 51;

struct Answer {
  fuse_entry_out entry;
  fuse_open_out opened;
};

void setTimeout(double seconds, uint64_t& whole, uint32_t& nanoseconds) {
  whole = static_cast<uint64_t>(seconds);
  nanoseconds = static_cast<uint32_t>((seconds - static_cast<double>(whole)) * 1e9);
}

fuse_attr wireAttributes(const struct stat& attr) {
  fuse_attr wire{};
  wire.ino = attr.st_ino;
  wire.size = static_cast<uint64_t>(attr.st_size);
  wire.blocks = static_cast<uint64_t>(attr.st_blocks);
  wire.atime = static_cast<uint64_t>(attr.st_atim.tv_sec);
  wire.mtime = static_cast<uint64_t>(attr.st_mtim.tv_sec);
  wire.ctime = static_cast<uint64_t>(attr.st_ctim.tv_sec);
  wire.atimensec = static_cast<uint32_t>(attr.st_atim.tv_nsec);
  wire.mtimensec = static_cast<uint32_t>(attr.st_mtim.tv_nsec);
  wire.ctimensec = static_cast<uint32_t>(attr.st_ctim.tv_nsec);
  wire.mode = attr.st_mode;
  wire.nlink = static_cast<uint32_t>(attr.st_nlink);
  wire.uid = attr.st_uid;
  wire.gid = attr.st_gid;
  wire.blksize = static_cast<uint32_t>(attr.st_blksize);
  return wire;
}

void reply(int fd, uint64_t unique, int error, const Answer& answer) {
  fuse_out_header header{};
  header.unique = unique;
  header.error = -error;
  iovec parts[2] = {{&header, sizeof header}, {const_cast<Answer*>(&answer), sizeof answer}};
  int count = error == 0 ? 2 : 1;
  header.len = static_cast<uint32_t>(sizeof header + (error == 0 ? sizeof answer : 0));
  // A request that was interrupted meanwhile has nobody to answer to.
  if (writev(fd, parts, count) < 0) return;
}

}  // namespace

bool answerTmpfile(FuseSession& session, const void* request, size_t size, int fd) {
  fuse_in_header header{};
  fuse_create_in words{};
  if (size < sizeof header) return false;
  memcpy(&header, request, sizeof header);
  if (header.opcode != kTmpfileOpcode || size < sizeof header + sizeof words) return false;
  memcpy(&words, static_cast<const char*>(request) + sizeof header, sizeof words);
  Napi::HandleScope scope(session.env());
  auto number = [&](double value) { return Napi::Number::New(session.env(), value); };
  int error =
      session.call(FuseCall::kTmpfile, {number(static_cast<double>(header.nodeid)),
                                        number(words.mode & 07777), number(header.uid), number(header.gid)});
  Answer answer{};
  if (error == 0) {
    fuse_entry_param entry = session.entry();
    answer.entry.nodeid = entry.ino;
    answer.entry.generation = entry.generation;
    setTimeout(entry.entry_timeout, answer.entry.entry_valid, answer.entry.entry_valid_nsec);
    setTimeout(entry.attr_timeout, answer.entry.attr_valid, answer.entry.attr_valid_nsec);
    answer.entry.attr = wireAttributes(entry.attr);
    answer.opened.open_flags = FOPEN_KEEP_CACHE;
  }
  reply(fd, header.unique, error, answer);
  return true;
}

}  // namespace firmwright
