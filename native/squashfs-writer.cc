// An own thread, because a run of seconds would hold one of libuv's four, and because node-addon-api's async
// workers throw when a worker thread is terminated during a run. The cleanup hook stops the run before the
// environment goes.

#include "squashfs-writer.h"

#include <exception>
#include <memory>
#include <optional>
#include <thread>

#include "error.h"
#include "squashfs-block-store.h"
#include "squashfs-pack.h"
#include "squashfs-spool.h"

namespace firmwright {

namespace {

/** Of a variant of xz, in the order of its struct. */
constexpr size_t kVariantColumns = 7;

template <typename Element, typename Array>
std::vector<Element> column(const Napi::Object& job, const char* name) {
  const Napi::Value value = job.Get(name);
  if (!value.IsTypedArray()) throw Failure(FailureKind::kArgument, std::string("column ") + name, "", 0, "");
  const Array array = value.As<Array>();
  return std::vector<Element>(array.Data(), array.Data() + array.ElementLength());
}

std::vector<uint8_t> bytes(const Napi::Object& job, const char* name) {
  return column<uint8_t, Napi::Uint8Array>(job, name);
}

std::vector<uint32_t> words(const Napi::Object& job, const char* name) {
  return column<uint32_t, Napi::Uint32Array>(job, name);
}

uint32_t number(const Napi::Object& object, const char* name) {
  return object.Get(name).As<Napi::Number>().Uint32Value();
}

bool flag(const Napi::Object& object, const char* name) {
  return object.Get(name).As<Napi::Boolean>().Value();
}

std::string text(const Napi::Object& object, const char* name) {
  return object.Get(name).As<Napi::String>().Utf8Value();
}

CompressorSettings readCompressor(const Napi::Object& from) {
  CompressorSettings settings;
  settings.id = static_cast<int>(number(from, "id"));
  settings.blockSize = number(from, "blockSize");
  settings.level = number(from, "level");
  settings.windowSize = number(from, "windowSize");
  settings.highCompression = flag(from, "highCompression");
  settings.extreme = flag(from, "extreme");
  settings.dictionarySize = number(from, "dictionarySize");
  settings.literalContextBits = number(from, "literalContextBits");
  settings.literalPositionBits = number(from, "literalPositionBits");
  settings.positionBits = number(from, "positionBits");
  settings.branchFilters = number(from, "branchFilters");
  const auto variants = words(from, "variants");
  for (size_t i = 0; i + kVariantColumns <= variants.size(); i += kVariantColumns) {
    settings.variants.push_back({static_cast<VariantUse>(variants[i]), variants[i + 1], variants[i + 2],
                                 variants[i + 3], variants[i + 4], variants[i + 5], variants[i + 6]});
  }
  return settings;
}

std::vector<std::vector<Xattr>> readXattrs(const Napi::Array& sets) {
  std::vector<std::vector<Xattr>> result;
  for (uint32_t i = 0; i < sets.Length(); ++i) {
    const auto set = sets.Get(i).As<Napi::Array>();
    result.emplace_back();
    for (uint32_t k = 0; k < set.Length(); ++k) {
      const auto xattr = set.Get(k).As<Napi::Object>();
      const auto name = bytes(xattr, "name");
      result.back().push_back({std::string(name.begin(), name.end()), bytes(xattr, "value")});
    }
  }
  return result;
}

PackJob readJob(const Napi::Object& from) {
  PackJob job;
  job.types = bytes(from, "types");
  job.modes = column<uint16_t, Napi::Uint16Array>(from, "modes");
  job.uids = words(from, "uids");
  job.gids = words(from, "gids");
  job.times = words(from, "times");
  job.linkCounts = words(from, "linkCounts");
  job.xattrSets = words(from, "xattrSets");
  job.references = words(from, "references");
  job.counts = words(from, "counts");
  job.parents = words(from, "parents");
  job.entryInodes = words(from, "entryInodes");
  job.entryNameOffsets = words(from, "entryNameOffsets");
  job.names = bytes(from, "names");
  job.sourceInodes = words(from, "sourceInodes");
  job.sourcePaths = words(from, "sourcePaths");
  job.sourceOffsets = column<double, Napi::Float64Array>(from, "sourceOffsets");
  job.sourceSizes = column<double, Napi::Float64Array>(from, "sourceSizes");
  job.sourceGroups = words(from, "sourceGroups");
  job.pathOffsets = words(from, "pathOffsets");
  job.pathNames = bytes(from, "pathNames");
  job.xattrs = readXattrs(from.Get("xattrs").As<Napi::Array>());
  job.compressor = readCompressor(from.Get("compressor").As<Napi::Object>());
  job.imageTime = number(from, "imageTime");
  job.workers = number(from, "workers");
  job.padTo = number(from, "padTo");
  job.exportTable = flag(from, "exportTable");
  job.fragments = flag(from, "fragments");
  job.tailEndLimit = number(from, "tailEndLimit");
  job.similarity = flag(from, "similarity");
  job.similarityMoves = number(from, "similarityMoves");
  job.seed = number(from, "seed");
  job.outputPath = text(from, "outputPath");
  job.partialPath = text(from, "partialPath");
  return job;
}

template <typename Array, typename Values, typename Get>
Array toArray(Napi::Env env, const Values& values, Get get) {
  Array array = Array::New(env, values.size());
  size_t i = 0;
  for (const auto& value : values) array[i++] = get(value);
  return array;
}

Napi::Object toJs(Napi::Env env, PackResult& result) {
  Napi::Object made = Napi::Object::New(env);
  const auto same = [](auto value) { return value; };
  const auto asDouble = [](uint64_t value) { return static_cast<double>(value); };
  made.Set("blockSizes", toArray<Napi::Uint32Array>(env, result.blockSizes, same));
  made.Set("fragmentStarts", toArray<Napi::Float64Array>(env, result.fragmentStarts, asDouble));
  made.Set("fragmentSizes", toArray<Napi::Uint32Array>(env, result.fragmentSizes, same));
  const auto& files = result.files;
  made.Set("starts",
           toArray<Napi::Float64Array>(env, files, [&](const auto& f) { return asDouble(f.start); }));
  made.Set("firstBlocks", toArray<Napi::Uint32Array>(env, files, [](const auto& f) { return f.firstBlock; }));
  made.Set("blockCounts", toArray<Napi::Uint32Array>(env, files, [](const auto& f) { return f.blockCount; }));
  made.Set("fragments", toArray<Napi::Uint32Array>(env, files, [](const auto& f) { return f.fragment; }));
  made.Set("fragmentOffsets",
           toArray<Napi::Uint32Array>(env, files, [](const auto& f) { return f.fragmentOffset; }));
  const std::pair<const char*, uint64_t> numbers[] = {
      {"duplicateFiles", result.duplicateFiles},
      {"duplicateBytes", result.duplicateBytes},
      {"encodeCount", result.encodeCount},
      {"bytesUsed", result.bytesUsed},
      {"size", result.size},
      {"dataStart", result.dataStart},
      {"inodeTableStart", result.inodeTableStart},
      {"directoryTableStart", result.directoryTableStart},
      {"fragmentTableStart", result.fragmentTableStart},
      {"exportTableStart", result.exportTableStart},
      {"idTableStart", result.idTableStart},
      {"xattrTableStart", result.xattrTableStart},
      {"idCount", result.uidCount},
  };
  for (const auto& [name, value] : numbers) made.Set(name, asDouble(value));
  auto* image = new std::vector<uint8_t>(std::move(result.bytes));
  auto buffer = Napi::ArrayBuffer::New(
      env, image->data(), image->size(), [](Napi::Env, void*, std::vector<uint8_t>* owner) { delete owner; },
      image);
  made.Set("bytes", Napi::Uint8Array::New(env, image->size(), buffer, 0));
  return made;
}

/** A run, shared by its thread, the JS handle and the cleanup hook. */
struct Run {
  PackJob job;
  PackControl control;
  PackResult result;
  std::optional<Failure> failure;
  std::thread thread;
  std::optional<Napi::Promise::Deferred> deferred;
  Napi::ObjectReference spool;  // keeps the spool's file open

  void execute() {
    try {
      packImage(job, control, result);
    } catch (const Failure& thrown) {
      failure = thrown;
    } catch (const std::bad_alloc&) {
      failure.emplace(FailureKind::kSystem, "pack a squashfs image", "", ENOMEM, "");
    } catch (const std::exception& thrown) {
      failure.emplace(FailureKind::kLibrary, std::string("pack a squashfs image: ") + thrown.what(), "", 0,
                      "");
    }
    job = {};
  }

  void stop() {
    control.cancelled = true;
    if (thread.joinable()) thread.join();
  }

  void settle(Napi::Env env) {
    thread.join();
    spool.Reset();
    try {
      if (failure) {
        deferred->Reject(firmwright::toJs(env, *failure).Value());
      } else {
        deferred->Resolve(toJs(env, result));
      }
    } catch (const Napi::Error&) {
      // The environment is going away: nobody is left to hear of it.
    }
    result = {};
  }
};

using CleanupHook =
    decltype(std::declval<Napi::Env>().AddCleanupHook(std::declval<std::function<void()>>()));

/** What the JavaScript thread needs when a run has ended; lives as long as the thread-safe function. */
struct Settlement {
  std::weak_ptr<Run> run;
  std::optional<CleanupHook> hook;
};

void settleRun(Napi::Env env, Napi::Function, Settlement* settlement, void*) {
  // Without an environment the call is only taken from the queue: nobody is left to hear of the run.
  if (static_cast<napi_env>(env) == nullptr) return;
  const auto run = settlement->run.lock();
  if (!run) return;
  settlement->hook->Remove(env);
  run->settle(env);
}

using Finished = Napi::TypedThreadSafeFunction<Settlement, void, settleRun>;

}  // namespace

Napi::Value startPack(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto run = std::make_shared<Run>();
  try {
    const auto from = info[0].As<Napi::Object>();
    run->job = readJob(from);
    if (from.Get("blockStore").IsObject()) {
      run->job.compressor.store =
          BlockStoreHandle::Unwrap(from.Get("blockStore").As<Napi::Object>())->store();
    }
    if (from.Get("spool").IsObject()) {
      const auto spool = from.Get("spool").As<Napi::Object>();
      run->job.spoolFd = Spool::Unwrap(spool)->finish();
      run->spool = Napi::Persistent(spool);
    }
  } catch (const Failure& failure) {
    throw firmwright::toJs(env, failure);
  }
  run->deferred.emplace(Napi::Promise::Deferred::New(env));

  auto* settlement = new Settlement{run, std::nullopt};
  auto finished = Finished::New(env, "firmwright pack", 0, 1, settlement,
                                [](Napi::Env, void*, Settlement* ended) { delete ended; });
  // Added after the thread-safe function, so it runs before that one is torn down.
  settlement->hook.emplace(env.AddCleanupHook(std::function<void()>([run] { run->stop(); })));
  run->thread = std::thread([raw = run.get(), finished]() mutable {
    raw->execute();
    finished.NonBlockingCall();
    finished.Release();
  });

  Napi::Object handle = Napi::Object::New(env);
  handle.Set("result", run->deferred->Promise());
  handle.Set("cancel",
             Napi::Function::New(env, [run](const Napi::CallbackInfo&) { run->control.cancelled = true; }));
  handle.Set("bytesDone", Napi::Function::New(env, [run](const Napi::CallbackInfo& call) {
               return Napi::Number::New(call.Env(), static_cast<double>(run->control.bytesDone.load()));
             }));
  return handle;
}

}  // namespace firmwright
