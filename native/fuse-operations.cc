// One function a request of the protocol: arguments to JavaScript values, call, reply.
#include <fcntl.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "fuse-session.h"

namespace firmwright {

namespace {

FuseSession& sessionOf(fuse_req_t req) { return *static_cast<FuseSession*>(fuse_req_userdata(req)); }

/** Values for JavaScript, made in one handle scope a request. */
class Values {
 public:
  explicit Values(fuse_req_t req) : session(sessionOf(req)), scope_(session.env()) {}
  napi_value number(double value) const { return Napi::Number::New(session.env(), value); }
  napi_value time(const timespec& value) const {
    return Napi::BigInt::New(session.env(),
                             static_cast<int64_t>(value.tv_sec) * 1'000'000'000 + value.tv_nsec);
  }
  /** A name as a byte string: one byte a character. */
  napi_value name(const char* text) const {
    napi_value value = nullptr;
    napi_create_string_latin1(session.env(), text, NAPI_AUTO_LENGTH, &value);
    return value;
  }

  FuseSession& session;

 private:
  Napi::HandleScope scope_;
};

void replyEntry(fuse_req_t req, FuseSession& session, int error) {
  if (error != 0) {
    fuse_reply_err(req, error);
    return;
  }
  fuse_entry_param entry = session.entry();
  fuse_reply_entry(req, &entry);
}

void replyAttributes(fuse_req_t req, FuseSession& session, int error) {
  if (error != 0) {
    fuse_reply_err(req, error);
    return;
  }
  struct stat attr = session.attributes();
  fuse_reply_attr(req, &attr, session.slot(kSlotAttrTimeout));
}

void lookup(fuse_req_t req, fuse_ino_t parent, const char* name) {
  Values v(req);
  replyEntry(req, v.session, v.session.call(FuseCall::kLookup, {v.number(parent), v.name(name)}));
}

void forget(fuse_req_t req, fuse_ino_t node, uint64_t count) {
  Values v(req);
  v.session.call(FuseCall::kForget, {v.number(node), v.number(count)});
  fuse_reply_none(req);
}

void forgetMulti(fuse_req_t req, size_t count, fuse_forget_data* forgets) {
  Values v(req);
  for (size_t i = 0; i < count; i++)
    v.session.call(FuseCall::kForget, {v.number(forgets[i].ino), v.number(forgets[i].nlookup)});
  fuse_reply_none(req);
}

void getattr(fuse_req_t req, fuse_ino_t node, fuse_file_info*) {
  Values v(req);
  replyAttributes(req, v.session, v.session.call(FuseCall::kGetattr, {v.number(node)}));
}

void setattr(fuse_req_t req, fuse_ino_t node, struct stat* attr, int toSet, fuse_file_info*) {
  Values v(req);
  int mask = 0;
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (toSet & FUSE_SET_ATTR_MODE) mask |= kSetMode;
  if (toSet & FUSE_SET_ATTR_UID) mask |= kSetUid;
  if (toSet & FUSE_SET_ATTR_GID) mask |= kSetGid;
  if (toSet & FUSE_SET_ATTR_SIZE) mask |= kSetSize;
  if (toSet & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_ATIME_NOW)) mask |= kSetAtime;
  if (toSet & (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW)) mask |= kSetMtime;
  if (toSet & FUSE_SET_ATTR_ATIME_NOW) attr->st_atim = now;
  if (toSet & FUSE_SET_ATTR_MTIME_NOW) attr->st_mtim = now;
  int error =
      v.session.call(FuseCall::kSetattr,
                     {v.number(node), v.number(mask), v.number(attr->st_mode & 07777), v.number(attr->st_uid),
                      v.number(attr->st_gid), v.number(static_cast<double>(attr->st_size)),
                      v.time(attr->st_atim), v.time(attr->st_mtim)});
  replyAttributes(req, v.session, error);
}

void readlink(fuse_req_t req, fuse_ino_t node) {
  Values v(req);
  Napi::Value target;
  int error = v.session.call(FuseCall::kReadlink, {v.number(node)}, &target);
  if (error != 0) {
    fuse_reply_err(req, error);
    return;
  }
  char text[4097];
  size_t length = 0;
  napi_get_value_string_latin1(v.session.env(), target, text, sizeof text, &length);
  fuse_reply_readlink(req, text);
}

void mknod(fuse_req_t req, fuse_ino_t parent, const char* name, mode_t mode, dev_t device) {
  Values v(req);
  const fuse_ctx* who = fuse_req_ctx(req);
  replyEntry(req, v.session,
             v.session.call(FuseCall::kMknod,
                            {v.number(parent), v.name(name), v.number(mode), v.number(who->uid),
                             v.number(who->gid), v.number(major(device)), v.number(minor(device))}));
}

void mkdir(fuse_req_t req, fuse_ino_t parent, const char* name, mode_t mode) {
  Values v(req);
  const fuse_ctx* who = fuse_req_ctx(req);
  replyEntry(req, v.session,
             v.session.call(FuseCall::kMkdir, {v.number(parent), v.name(name), v.number(mode & 07777),
                                               v.number(who->uid), v.number(who->gid)}));
}

void symlink(fuse_req_t req, const char* target, fuse_ino_t parent, const char* name) {
  Values v(req);
  const fuse_ctx* who = fuse_req_ctx(req);
  replyEntry(req, v.session,
             v.session.call(FuseCall::kSymlink, {v.number(parent), v.name(name), v.name(target),
                                                 v.number(who->uid), v.number(who->gid)}));
}

void unlink(fuse_req_t req, fuse_ino_t parent, const char* name) {
  Values v(req);
  fuse_reply_err(req, v.session.call(FuseCall::kUnlink, {v.number(parent), v.name(name)}));
}

void rmdir(fuse_req_t req, fuse_ino_t parent, const char* name) {
  Values v(req);
  fuse_reply_err(req, v.session.call(FuseCall::kRmdir, {v.number(parent), v.name(name)}));
}

void rename(fuse_req_t req, fuse_ino_t parent, const char* name, fuse_ino_t newParent, const char* newName,
            unsigned flags) {
  Values v(req);
  fuse_reply_err(req, v.session.call(FuseCall::kRename, {v.number(parent), v.name(name), v.number(newParent),
                                                         v.name(newName), v.number(flags)}));
}

void link(fuse_req_t req, fuse_ino_t node, fuse_ino_t newParent, const char* newName) {
  Values v(req);
  replyEntry(req, v.session,
             v.session.call(FuseCall::kLink, {v.number(node), v.number(newParent), v.name(newName)}));
}

// Without a handler the answer is ENOSYS: the kernel then opens and closes files by itself, and sends neither
// request again. An object stays in use while the kernel has not forgotten its node, which covers every open
// file.
void open(fuse_req_t req, fuse_ino_t node, fuse_file_info* info) {
  Values v(req);
  bool writes = (info->flags & O_ACCMODE) != O_RDONLY;
  int error = v.session.call(FuseCall::kOpen, {v.number(node), Napi::Boolean::New(v.session.env(), writes)});
  if (error != 0) {
    fuse_reply_err(req, error);
    return;
  }
  info->keep_cache = 1;
  fuse_reply_open(req, info);
}

void opendir(fuse_req_t req, fuse_ino_t, fuse_file_info*) { fuse_reply_err(req, ENOSYS); }

void release(fuse_req_t req, fuse_ino_t, fuse_file_info*) { fuse_reply_err(req, 0); }

void create(fuse_req_t req, fuse_ino_t parent, const char* name, mode_t mode, fuse_file_info* info) {
  Values v(req);
  const fuse_ctx* who = fuse_req_ctx(req);
  int error =
      v.session.call(FuseCall::kMknod, {v.number(parent), v.name(name), v.number((mode & 07777) | S_IFREG),
                                        v.number(who->uid), v.number(who->gid), v.number(0), v.number(0)});
  if (error != 0) {
    fuse_reply_err(req, error);
    return;
  }
  info->keep_cache = 1;
  fuse_entry_param entry = v.session.entry();
  fuse_reply_create(req, &entry, info);
}

void replyBytes(fuse_req_t req, int error, const Napi::Value& value) {
  if (error != 0) {
    fuse_reply_err(req, error);
  } else if (value.IsTypedArray()) {
    auto bytes = value.As<Napi::Uint8Array>();
    fuse_reply_buf(req, reinterpret_cast<const char*>(bytes.Data()), bytes.ByteLength());
  } else {
    fuse_reply_err(req, EIO);
  }
}

void read(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset, fuse_file_info*) {
  Values v(req);
  int error = v.session.call(FuseCall::kRead, {v.number(node), v.number(static_cast<double>(offset)),
                                               v.number(static_cast<double>(size))});
  if (error != 0)
    fuse_reply_err(req, error);
  else
    fuse_reply_buf(req, v.session.sent(), static_cast<size_t>(v.session.slot(0)));
}

void write(fuse_req_t req, fuse_ino_t node, const char* data, size_t size, off_t offset, fuse_file_info*) {
  Values v(req);
  int error = v.session.call(FuseCall::kWrite, {v.number(node), v.number(static_cast<double>(offset)),
                                                v.session.received(data, size)});
  if (error != 0)
    fuse_reply_err(req, error);
  else
    fuse_reply_write(req, static_cast<size_t>(v.session.slot(0)));
}

void fsync(fuse_req_t req, fuse_ino_t node, int, fuse_file_info*) {
  Values v(req);
  fuse_reply_err(req, v.session.call(FuseCall::kFsync, {v.number(node)}));
}

/** Lists names; JavaScript lays out at most what fits `size`, and counts a lookup for each with attributes.
 */
void list(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset, bool plus) {
  Values v(req);
  FuseSession& session = v.session;
  Napi::Value count;
  int error = session.call(FuseCall::kReaddir,
                           {v.number(node), v.number(static_cast<double>(offset)),
                            v.number(static_cast<double>(size)), Napi::Boolean::New(session.env(), plus)});
  if (error < 0) {
    std::string& out = session.scratch();
    out.resize(size);
    size_t used = 0;
    for (int i = 0; i < -error - 1; i++) {
      size_t base = static_cast<size_t>(i) * kSlotsOfEntry;
      const char* text = reinterpret_cast<const char*>(session.block()) +
                         static_cast<size_t>(session.slot(base + kSlotNameOffset));
      std::string name(text, static_cast<size_t>(session.slot(base + kSlotNameLength)));
      auto next = static_cast<off_t>(session.slot(base + kSlotCookie));
      fuse_entry_param entry = session.entry(base);
      size_t added =
          plus ? fuse_add_direntry_plus(req, out.data() + used, size - used, name.c_str(), &entry, next)
               : fuse_add_direntry(req, out.data() + used, size - used, name.c_str(), &entry.attr, next);
      if (added > size - used) break;
      used += added;
    }
    fuse_reply_buf(req, out.data(), used);
    return;
  }
  fuse_reply_err(req, error);
}

void readdir(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset, fuse_file_info*) {
  list(req, node, size, offset, false);
}

void readdirplus(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset, fuse_file_info*) {
  list(req, node, size, offset, true);
}

void statfs(fuse_req_t req, fuse_ino_t node) {
  Values v(req);
  FuseSession& session = v.session;
  int error = session.call(FuseCall::kStatfs, {v.number(node)});
  if (error != 0) {
    fuse_reply_err(req, error);
    return;
  }
  struct statvfs figures {};
  figures.f_bsize = figures.f_frsize = static_cast<unsigned long>(session.slot(0));
  figures.f_blocks = static_cast<fsblkcnt_t>(session.slot(1));
  figures.f_bfree = static_cast<fsblkcnt_t>(session.slot(2));
  figures.f_bavail = static_cast<fsblkcnt_t>(session.slot(3));
  figures.f_files = static_cast<fsfilcnt_t>(session.slot(4));
  figures.f_ffree = figures.f_favail = static_cast<fsfilcnt_t>(session.slot(5));
  figures.f_namemax = static_cast<unsigned long>(session.slot(6));
  fuse_reply_statfs(req, &figures);
}

void setxattr(fuse_req_t req, fuse_ino_t node, const char* name, const char* value, size_t size, int flags) {
  Values v(req);
  fuse_reply_err(
      req, v.session.call(FuseCall::kSetxattr,
                          {v.number(node), v.name(name), v.session.received(value, size), v.number(flags)}));
}

void replySized(fuse_req_t req, int error, const Napi::Value& value, size_t size) {
  if (error != 0 || !value.IsTypedArray()) {
    fuse_reply_err(req, error != 0 ? error : EIO);
    return;
  }
  size_t length = value.As<Napi::Uint8Array>().ByteLength();
  if (size == 0)
    fuse_reply_xattr(req, length);
  else if (length > size)
    fuse_reply_err(req, ERANGE);
  else
    replyBytes(req, 0, value);
}

void getxattr(fuse_req_t req, fuse_ino_t node, const char* name, size_t size) {
  Values v(req);
  Napi::Value value;
  int error = v.session.call(FuseCall::kGetxattr, {v.number(node), v.name(name)}, &value);
  replySized(req, error, value, size);
}

void listxattr(fuse_req_t req, fuse_ino_t node, size_t size) {
  Values v(req);
  Napi::Value value;
  int error = v.session.call(FuseCall::kListxattr, {v.number(node)}, &value);
  replySized(req, error, value, size);
}

void removexattr(fuse_req_t req, fuse_ino_t node, const char* name) {
  Values v(req);
  fuse_reply_err(req, v.session.call(FuseCall::kRemovexattr, {v.number(node), v.name(name)}));
}

void fallocate(fuse_req_t req, fuse_ino_t node, int mode, off_t offset, off_t length, fuse_file_info*) {
  Values v(req);
  fuse_reply_err(req, v.session.call(FuseCall::kFallocate,
                                     {v.number(node), v.number(mode), v.number(static_cast<double>(offset)),
                                      v.number(static_cast<double>(length))}));
}

void copyFileRange(fuse_req_t req, fuse_ino_t from, off_t fromOffset, fuse_file_info*, fuse_ino_t to,
                   off_t toOffset, fuse_file_info*, size_t length, int) {
  Values v(req);
  int error =
      v.session.call(FuseCall::kCopyFileRange,
                     {v.number(from), v.number(static_cast<double>(fromOffset)), v.number(to),
                      v.number(static_cast<double>(toOffset)), v.number(static_cast<double>(length))});
  if (error != 0)
    fuse_reply_err(req, error);
  else
    fuse_reply_write(req, static_cast<size_t>(v.session.slot(0)));
}

void lseek(fuse_req_t req, fuse_ino_t node, off_t offset, int whence, fuse_file_info*) {
  Values v(req);
  if (whence != SEEK_DATA && whence != SEEK_HOLE) {
    fuse_reply_err(req, EINVAL);
    return;
  }
  int error = v.session.call(FuseCall::kLseek, {v.number(node), v.number(static_cast<double>(offset)),
                                                Napi::Boolean::New(v.session.env(), whence == SEEK_DATA)});
  if (error != 0)
    fuse_reply_err(req, error);
  else
    fuse_reply_lseek(req, static_cast<off_t>(v.session.slot(0)));
}

void init(void*, fuse_conn_info* connection) {
  // Requests are read into memory that JavaScript sees, so splicing through a pipe would only add calls.
  connection->want &=
      ~static_cast<unsigned>(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
  connection->want |=
      connection->capable & (FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_PARALLEL_DIROPS |
                             FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_ASYNC_READ);
  // An open that truncates comes as setattr, since opens are not sent.
  connection->want &= ~static_cast<unsigned>(FUSE_CAP_ATOMIC_O_TRUNC);
  connection->max_background = 64;
}

fuse_lowlevel_ops makeOperations() {
  fuse_lowlevel_ops ops{};
  ops.init = init;
  ops.lookup = lookup;
  ops.forget = forget;
  ops.forget_multi = forgetMulti;
  ops.getattr = getattr;
  ops.setattr = setattr;
  ops.readlink = readlink;
  ops.mknod = mknod;
  ops.mkdir = mkdir;
  ops.unlink = unlink;
  ops.rmdir = rmdir;
  ops.symlink = symlink;
  ops.rename = rename;
  ops.link = link;
  ops.open = open;
  ops.release = release;
  ops.create = create;
  ops.read = read;
  ops.write = write;
  ops.fsync = fsync;
  ops.opendir = opendir;
  ops.releasedir = release;
  ops.fsyncdir = fsync;
  ops.readdir = readdir;
  ops.readdirplus = readdirplus;
  ops.statfs = statfs;
  ops.setxattr = setxattr;
  ops.getxattr = getxattr;
  ops.listxattr = listxattr;
  ops.removexattr = removexattr;
  ops.fallocate = fallocate;
  ops.copy_file_range = copyFileRange;
  ops.lseek = lseek;
  // No locks here: the kernel keeps POSIX, OFD and flock locks on its own inode, of which the union object
  // has one for all its life, so they survive a copy-up.
  return ops;
}

}  // namespace

const fuse_lowlevel_ops& fuseOperations() {
  static const fuse_lowlevel_ops operations = makeOperations();
  return operations;
}

}  // namespace firmwright
