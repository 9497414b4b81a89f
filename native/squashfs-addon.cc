#include <napi.h>
#include <sqfs/compressor.h>

#include "squashfs-block-store.h"
#include "squashfs-reader.h"
#include "squashfs-spool.h"
#include "squashfs-writer.h"

namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("BlockStore", firmwright::BlockStoreHandle::define(env));
  exports.Set("ImageReader", firmwright::ImageReader::define(env));
  exports.Set("Spool", firmwright::Spool::define(env));
  exports.Set("startPack", Napi::Function::New(env, firmwright::startPack));
  return exports;
}

}  // namespace

NODE_API_MODULE(firmwright_squashfs, init)
