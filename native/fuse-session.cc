#include "fuse-session.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <cstring>

#include "error.h"

namespace firmwright {

namespace {

// Enough for find over a directory; then other work of the loop gets its turn.
constexpr int kRequestsATurn = 64;

timespec toTimespec(int64_t ns) {
  int64_t seconds = ns / 1'000'000'000;
  int64_t rest = ns % 1'000'000'000;
  if (rest < 0) {
    rest += 1'000'000'000;
    seconds -= 1;
  }
  return {static_cast<time_t>(seconds), static_cast<long>(rest)};
}

}  // namespace

const std::array<const char*, static_cast<size_t>(FuseCall::kCount)> kFuseCallNames = {
    "lookup",    "forget",      "getattr",   "setattr",       "readlink", "mknod",    "mkdir",
    "tmpfile",   "unlink",      "rmdir",     "symlink",       "rename",   "link",     "open",
    "read",      "write",       "fsync",     "readdir",       "statfs",   "setxattr", "getxattr",
    "listxattr", "removexattr", "fallocate", "copyFileRange", "lseek",
};

FuseSession::FuseSession(Napi::Env env, const Options& options, Napi::Object handlers, Memory memory,
                         Napi::Function onEnd)
    : env_(env) {
  for (size_t i = 0; i < handlers_.size(); i++) {
    Napi::Value handler = handlers.Get(kFuseCallNames[i]);
    if (handler.IsFunction()) handlers_[i] = Napi::Persistent(handler.As<Napi::Function>());
  }
  onEnd_ = Napi::Persistent(onEnd);
  blockReference_ = Napi::Persistent(memory.block);
  receiveReference_ = Napi::Persistent(memory.receive);
  sendReference_ = Napi::Persistent(memory.send);
  block_ = memory.block.Data();
  send_ = memory.send.Data();
  buffer_.mem = memory.receive.Data();
  context_ = std::make_unique<Napi::AsyncContext>(env, "firmwright:fuse");

  std::vector<char*> arguments;
  for (const std::string& argument : options.arguments)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  fuse_args args = FUSE_ARGS_INIT(static_cast<int>(arguments.size()), arguments.data());
  session_ = fuse_session_new(&args, &fuseOperations(), sizeof(fuse_lowlevel_ops), this);
  fuse_opt_free_args(&args);
  if (session_ == nullptr)
    throw Failure(FailureKind::kLibrary, "set up a FUSE session", "fuse_session_new", 0, "");
  if (fuse_session_mount(session_, options.mountPoint.c_str()) != 0) {
    int number = errno;
    fuse_session_destroy(session_);
    session_ = nullptr;
    throw systemFailure("mount", options.mountPoint, number);
  }
  mounted_ = true;
  int fd = fuse_session_fd(session_);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  uv_loop_t* loop = nullptr;
  napi_get_uv_event_loop(env, &loop);
  poll_ = new uv_poll_t;
  poll_->data = this;
  if (uv_poll_init(loop, poll_, fd) != 0) {
    delete poll_;
    poll_ = nullptr;
    end(false);
    throw systemFailure("poll the FUSE device for", options.mountPoint, EIO);
  }
  uv_poll_start(poll_, UV_READABLE | UV_DISCONNECT, onReadable);
  napi_add_env_cleanup_hook(env, onEnvironmentEnd, this);
}

FuseSession::~FuseSession() { end(false); }

void FuseSession::onReadable(uv_poll_t* handle, int, int) {
  static_cast<FuseSession*>(handle->data)->serve();
}

void FuseSession::onEnvironmentEnd(void* self) { static_cast<FuseSession*>(self)->end(false); }

void FuseSession::serve() {
  Napi::HandleScope scope(env_);
  // One scope for the whole turn: microtasks run after it, not after each request.
  Napi::CallbackScope turn(env_, *context_);
  for (int i = 0; i < kRequestsATurn && session_ != nullptr; i++) {
    int size = fuse_session_receive_buf(session_, &buffer_);
    if (size == -EINTR) continue;
    if (size == -EAGAIN) return;
    if (size <= 0) {
      end(true);
      return;
    }
    if (answerTmpfile(*this, buffer_.mem, static_cast<size_t>(size), fuse_session_fd(session_))) continue;
    fuse_session_process_buf(session_, &buffer_);
    if (session_ != nullptr && fuse_session_exited(session_) != 0) {
      end(true);
      return;
    }
  }
}

void FuseSession::abort() { end(true); }

void FuseSession::end(bool callBack) {
  if (poll_ != nullptr) {
    uv_poll_stop(poll_);
    uv_close(reinterpret_cast<uv_handle_t*>(poll_),
             [](uv_handle_t* handle) { delete reinterpret_cast<uv_poll_t*>(handle); });
    poll_ = nullptr;
    napi_remove_env_cleanup_hook(env_, onEnvironmentEnd, this);
  }
  if (session_ == nullptr) return;
  fuse_session* session = session_;
  session_ = nullptr;
  // Closes the device first: requests under way fail, nobody waits for us any more.
  if (mounted_) fuse_session_unmount(session);
  fuse_session_destroy(session);
  if (!callBack) return;
  Napi::HandleScope scope(env_);
  try {
    onEnd_.MakeCallback(env_.Global(), std::initializer_list<napi_value>{}, *context_);
  } catch (const Napi::Error& error) {
    error.ThrowAsJavaScriptException();
  }
}

int FuseSession::call(FuseCall which, std::initializer_list<napi_value> arguments, Napi::Value* result) {
  Napi::FunctionReference& handler = handlers_[static_cast<size_t>(which)];
  if (handler.IsEmpty()) return ENOSYS;
  try {
    Napi::Value value = handler.Call(env_.Global(), arguments);
    if (value.IsNumber()) return value.As<Napi::Number>().Int32Value();
    if (result != nullptr) *result = value;
    return 0;
  } catch (const Napi::Error&) {
    return EIO;
  }
}

struct stat FuseSession::attributes(size_t base) const {
  struct stat attr {};
  attr.st_ino = static_cast<ino_t>(slot(base + kSlotIno));
  attr.st_size = static_cast<off_t>(slot(base + kSlotSize));
  attr.st_blocks = static_cast<blkcnt_t>(slot(base + kSlotBlocks));
  attr.st_blksize = 4096;
  attr.st_mode = static_cast<mode_t>(slot(base + kSlotMode));
  attr.st_nlink = static_cast<nlink_t>(slot(base + kSlotLinks));
  attr.st_uid = static_cast<uid_t>(slot(base + kSlotUid));
  attr.st_gid = static_cast<gid_t>(slot(base + kSlotGid));
  attr.st_rdev =
      makedev(static_cast<unsigned>(slot(base + kSlotMajor)), static_cast<unsigned>(slot(base + kSlotMinor)));
  attr.st_atim = toTimespec(time(base + kSlotAtime));
  attr.st_mtim = toTimespec(time(base + kSlotMtime));
  attr.st_ctim = toTimespec(time(base + kSlotCtime));
  return attr;
}

fuse_entry_param FuseSession::entry(size_t base) const {
  fuse_entry_param entry{};
  entry.ino = static_cast<fuse_ino_t>(slot(base + kSlotNode));
  entry.generation = static_cast<uint64_t>(slot(base + kSlotGeneration));
  entry.attr = attributes(base);
  entry.entry_timeout = slot(base + kSlotEntryTimeout);
  entry.attr_timeout = slot(base + kSlotAttrTimeout);
  return entry;
}

Napi::Value FuseSession::received(const char* data, size_t size) const {
  Napi::Uint8Array whole = receiveReference_.Value();
  auto offset = static_cast<size_t>(reinterpret_cast<const uint8_t*>(data) - whole.Data());
  return Napi::Uint8Array::New(env_, size, whole.ArrayBuffer(), whole.ByteOffset() + offset);
}

namespace {

/** The session as a JavaScript object: it has one method, `abort`. */
Napi::Value Mount(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  return guarded(env, [&] {
    FuseSession::Options options;
    auto arguments = info[0].As<Napi::Array>();
    for (uint32_t i = 0; i < arguments.Length(); i++)
      options.arguments.push_back(arguments.Get(i).As<Napi::String>().Utf8Value());
    options.mountPoint = info[1].As<Napi::String>().Utf8Value();
    auto session = std::make_shared<FuseSession>(
        env, options, info[2].As<Napi::Object>(),
        FuseSession::Memory{info[3].As<Napi::Uint8Array>(), info[4].As<Napi::Uint8Array>(),
                            info[5].As<Napi::Uint8Array>()},
        info[6].As<Napi::Function>());
    Napi::Object object = Napi::Object::New(env);
    // The function keeps the session; JavaScript keeps the function while the mount is up.
    object.Set("abort", Napi::Function::New(env, [session](const Napi::CallbackInfo&) { session->abort(); }));
    return object;
  });
}

}  // namespace

}  // namespace firmwright

static Napi::Object InitFuse(Napi::Env env, Napi::Object exports) {
  exports.Set("mount", Napi::Function::New(env, firmwright::Mount));
  return exports;
}

NODE_API_MODULE(firmwright_fuse, InitFuse)
