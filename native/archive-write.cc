#include "archive-write.h"

#include <archive.h>
#include <archive_entry.h>

#include <cerrno>
#include <memory>
#include <string>

#include "archive-locale.h"
#include "arguments.h"
#include "error.h"

namespace firmwright {

namespace {

void check(archive *target, int code, const char *step) {
  if (code >= ARCHIVE_WARN) return;
  const char *text = archive_error_string(target);
  throw Failure(FailureKind::kLibrary, std::string(step) + ": " + (text == nullptr ? "unknown" : text), "", 0,
                "");
}

la_ssize_t append(archive *, void *output, const void *data, size_t size) {
  auto bytes = static_cast<const uint8_t *>(data);
  auto vector = static_cast<std::vector<uint8_t> *>(output);
  vector->insert(vector->end(), bytes, bytes + size);
  return static_cast<la_ssize_t>(size);
}

/** Reads a byte string: one byte a char code. */
std::string byteString(const Napi::Value &value) {
  if (!value.IsString()) throw wrongArgument("a name must be a byte string");
  size_t length = 0;
  napi_get_value_string_latin1(value.Env(), value, nullptr, 0, &length);
  std::string text(length + 1, '\0');
  napi_get_value_string_latin1(value.Env(), value, text.data(), text.size(), &length);
  text.resize(length);
  return text;
}

/** Runs the body of a method in the locale of C: libarchive converts names otherwise. */
template <typename Body>
auto inCLocale(Napi::Env env, Body body) {
  return guarded(env, [&] {
    CLocale locale;
    return body();
  });
}

}  // namespace

void ArchiveWriter::define(Napi::Env env, Napi::Object exports) {
  exports.Set("ArchiveWriter", DefineClass(env, "ArchiveWriter",
                                           {InstanceMethod("entry", &ArchiveWriter::entry),
                                            InstanceMethod("data", &ArchiveWriter::data),
                                            InstanceMethod("finish", &ArchiveWriter::finish),
                                            InstanceMethod("take", &ArchiveWriter::take)}));
}

ArchiveWriter::ArchiveWriter(const Napi::CallbackInfo &info) : Napi::ObjectWrap<ArchiveWriter>(info) {
  inCLocale(info.Env(), [&]() -> Napi::Value {
    std::string format = byteString(info[0]), filter = byteString(info[1]);
    std::string level = std::to_string(integerArgument(info, 2, 22));
    archive_ = archive_write_new();
    if (archive_ == nullptr) throw systemFailure("allocate memory", "", ENOMEM);
    check(archive_, archive_write_set_format_by_name(archive_, format.c_str()), "choose format");
    if (format == "pax") {
      // The form of xattrs that GNU tar reads too; libarchive would write both.
      check(archive_, archive_write_set_format_option(archive_, "pax", "xattrheader", "SCHILY"),
            "set xattr header");
    }
    check(archive_,
          filter == "none" ? archive_write_add_filter_none(archive_)
                           : archive_write_add_filter_by_name(archive_, filter.c_str()),
          "choose compression");
    if (filter != "none")
      check(archive_, archive_write_set_filter_option(archive_, nullptr, "compression-level", level.c_str()),
            "set level");
    if (filter == "gzip")
      check(archive_, archive_write_set_filter_option(archive_, "gzip", "timestamp", nullptr),
            "leave out the time");
    // No padding of the last block beyond the two end blocks of a tar.
    check(archive_, archive_write_set_bytes_in_last_block(archive_, 1), "set block size");
    check(archive_, archive_write_open(archive_, &output_, nullptr, append, nullptr), "open archive");
    return info.Env().Undefined();
  });
}

ArchiveWriter::~ArchiveWriter() {
  if (archive_ != nullptr) {
    archive_write_fail(archive_);
    archive_write_free(archive_);
  }
}

Napi::Value ArchiveWriter::entry(const Napi::CallbackInfo &info) {
  return inCLocale(info.Env(), [&] {
    if (archive_ == nullptr) throw wrongArgument("the archive is finished");
    auto from = info[0].As<Napi::Object>();
    auto number = [&](const char *name) { return from.Get(name).As<Napi::Number>().Int64Value(); };
    std::unique_ptr<archive_entry, decltype(&archive_entry_free)> entry(archive_entry_new2(archive_),
                                                                        archive_entry_free);
    archive_entry_copy_pathname(entry.get(), byteString(from.Get("path")).c_str());
    archive_entry_set_filetype(entry.get(), static_cast<unsigned>(number("type")));
    archive_entry_set_perm(entry.get(), static_cast<mode_t>(number("mode")));
    archive_entry_set_uid(entry.get(), number("uid"));
    archive_entry_set_gid(entry.get(), number("gid"));
    archive_entry_set_size(entry.get(), number("size"));
    archive_entry_set_mtime(entry.get(), static_cast<time_t>(number("mtimeSeconds")),
                            static_cast<long>(number("mtimeNanoseconds")));
    archive_entry_set_rdevmajor(entry.get(), static_cast<dev_t>(number("rdevMajor")));
    archive_entry_set_rdevminor(entry.get(), static_cast<dev_t>(number("rdevMinor")));
    if (from.Has("symlink")) archive_entry_copy_symlink(entry.get(), byteString(from.Get("symlink")).c_str());
    if (from.Has("hardlink"))
      archive_entry_copy_hardlink(entry.get(), byteString(from.Get("hardlink")).c_str());
    auto xattrs = from.Get("xattrs").As<Napi::Array>();
    for (uint32_t i = 0; i + 1 < xattrs.Length(); i += 2) {
      auto value = xattrs.Get(i + 1).As<Napi::Uint8Array>();
      archive_entry_xattr_add_entry(entry.get(), byteString(xattrs.Get(i)).c_str(), value.Data(),
                                    value.ByteLength());
    }
    check(archive_, archive_write_header(archive_, entry.get()), "write entry");
    return info.Env().Undefined();
  });
}

Napi::Value ArchiveWriter::data(const Napi::CallbackInfo &info) {
  return inCLocale(info.Env(), [&] {
    if (archive_ == nullptr) throw wrongArgument("the archive is finished");
    auto bytes = bytesArgument(info, 0);
    for (size_t done = 0; done < bytes.size();) {
      la_ssize_t count = archive_write_data(archive_, bytes.data() + done, bytes.size() - done);
      if (count <= 0) {
        check(archive_, static_cast<int>(count), "write content");
        throw Failure(FailureKind::kLibrary, "content is longer than the size of its entry", "", 0, "");
      }
      done += static_cast<size_t>(count);
    }
    return info.Env().Undefined();
  });
}

Napi::Value ArchiveWriter::finish(const Napi::CallbackInfo &info) {
  return inCLocale(info.Env(), [&] {
    if (archive_ == nullptr) throw wrongArgument("the archive is finished");
    check(archive_, archive_write_close(archive_), "finish archive");
    archive_write_free(archive_);
    archive_ = nullptr;
    return info.Env().Undefined();
  });
}

Napi::Value ArchiveWriter::take(const Napi::CallbackInfo &info) {
  Napi::Uint8Array bytes = newBytes(info.Env(), output_.data(), output_.size());
  output_.clear();
  return bytes;
}

}  // namespace firmwright
