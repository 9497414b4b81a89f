// The surface of the archive addon: `readArchive` (a promise, off the main thread), `readArchiveSync`,
// `ArchiveWriter`.
#include <napi.h>

#include <memory>

#include "archive-read.h"
#include "archive-write.h"
#include "arguments.h"
#include "error.h"

namespace firmwright {

namespace {

Napi::Value latin1(Napi::Env env, const std::string &bytes) {
  napi_value value;
  NAPI_THROW_IF_FAILED(env, napi_create_string_latin1(env, bytes.data(), bytes.size(), &value),
                       env.Undefined());
  return Napi::Value(env, value);
}

Napi::Value toValue(Napi::Env env, const ArchiveReadJob &job) {
  auto number = [&](auto value) { return Napi::Number::New(env, static_cast<double>(value)); };
  Napi::Array entries = Napi::Array::New(env, job.entries.size());
  for (size_t i = 0; i < job.entries.size(); i++) {
    Napi::HandleScope scope(env);
    const ArchivedEntry &from = job.entries[i];
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("path", latin1(env, from.path));
    entry.Set("linkTarget", latin1(env, from.linkTarget));
    entry.Set("hardlink", Napi::Boolean::New(env, from.hardlink));
    entry.Set("type", number(from.type));
    entry.Set("mode", number(from.mode));
    entry.Set("uid", number(from.uid));
    entry.Set("gid", number(from.gid));
    entry.Set("mtimeSeconds", number(from.mtimeSeconds));
    entry.Set("mtimeNanoseconds", number(from.mtimeNanoseconds));
    entry.Set("rdevMajor", number(from.rdevMajor));
    entry.Set("rdevMinor", number(from.rdevMinor));
    entry.Set("hasData", Napi::Boolean::New(env, from.hasData));
    entry.Set("size", number(from.size));
    entry.Set("spoolOffset", number(from.spoolOffset));
    entry.Set("acl", Napi::Boolean::New(env, from.acl));
    Napi::Array xattrs = Napi::Array::New(env, from.xattrs.size() * 2);
    for (size_t j = 0; j < from.xattrs.size(); j++) {
      xattrs.Set(static_cast<uint32_t>(2 * j), latin1(env, from.xattrs[j].first));
      const auto &value = from.xattrs[j].second;
      xattrs.Set(static_cast<uint32_t>(2 * j + 1), newBytes(env, value.data(), value.size()));
    }
    entry.Set("xattrs", xattrs);
    entries.Set(static_cast<uint32_t>(i), entry);
  }
  Napi::Array warnings = Napi::Array::New(env, job.warnings.size());
  for (size_t i = 0; i < job.warnings.size(); i++)
    warnings.Set(static_cast<uint32_t>(i), latin1(env, job.warnings[i]));
  Napi::Object result = Napi::Object::New(env);
  result.Set("format", latin1(env, job.format));
  result.Set("entries", entries);
  result.Set("warnings", warnings);
  result.Set("contents", newBytes(env, job.contents.data(), job.contents.size()));
  return result;
}

std::string text(std::span<const uint8_t> bytes) { return {bytes.begin(), bytes.end()}; }

/** Reads (path, bytes, spoolPath, contentLimit, entryLimit); the first or the second is empty. */
ArchiveReadJob jobArguments(const Napi::CallbackInfo &info) {
  ArchiveReadJob job;
  job.path = text(bytesArgument(info, 0));
  auto bytes = bytesArgument(info, 1);
  job.bytes.assign(bytes.begin(), bytes.end());
  job.spoolPath = text(bytesArgument(info, 2));
  job.contentLimit = integerArgument(info, 3);
  job.entryLimit = integerArgument(info, 4);
  return job;
}

class ReadWorker : public Napi::AsyncWorker {
 public:
  ReadWorker(Napi::Env env, ArchiveReadJob job, Napi::Uint32Array cancel)
      : Napi::AsyncWorker(env),
        deferred_(Napi::Promise::Deferred::New(env)),
        job_(std::move(job)),
        flagOwner_(Napi::Persistent(cancel)),
        flag_(reinterpret_cast<const std::atomic<uint32_t> *>(cancel.Data())) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    try {
      job_.run(flag_);
    } catch (const Failure &failure) {
      failure_ = std::make_unique<Failure>(failure);
    } catch (const std::bad_alloc &) {
      failure_ = std::make_unique<Failure>(systemFailure("allocate memory", "", ENOMEM));
    }
  }

  void OnOK() override {
    Napi::HandleScope scope(Env());
    if (failure_)
      deferred_.Reject(toJs(Env(), *failure_).Value());
    else
      deferred_.Resolve(toValue(Env(), job_));
  }

  void OnError(const Napi::Error &error) override { deferred_.Reject(error.Value()); }

 private:
  Napi::Promise::Deferred deferred_;
  ArchiveReadJob job_;
  std::unique_ptr<Failure> failure_;
  Napi::Reference<Napi::Uint32Array> flagOwner_;
  const std::atomic<uint32_t> *flag_;
};

Napi::Value ReadArchive(const Napi::CallbackInfo &info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    ArchiveReadJob job = jobArguments(info);
    if (info.Length() < 6 || !info[5].IsTypedArray()) throw wrongArgument("argument 6 must be a Uint32Array");
    auto flag = info[5].As<Napi::Uint32Array>();
    if (flag.ElementLength() < 1) throw wrongArgument("argument 6 must have one element");
    auto worker = new ReadWorker(info.Env(), std::move(job), flag);
    Napi::Promise promise = worker->promise();
    worker->Queue();
    return promise;
  });
}

Napi::Value ReadArchiveSync(const Napi::CallbackInfo &info) {
  return guarded(info.Env(), [&] {
    ArchiveReadJob job = jobArguments(info);
    job.run(nullptr);
    return toValue(info.Env(), job);
  });
}

}  // namespace

}  // namespace firmwright

static Napi::Object InitArchive(Napi::Env env, Napi::Object exports) {
  exports.Set("readArchive", Napi::Function::New(env, firmwright::ReadArchive));
  exports.Set("readArchiveSync", Napi::Function::New(env, firmwright::ReadArchiveSync));
  firmwright::ArchiveWriter::define(env, exports);
  return exports;
}

NODE_API_MODULE(firmwright_archive, InitArchive)
