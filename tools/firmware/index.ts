export { readCombined } from './combined.js';
export { readDeviceTree } from './device-tree.js';
export type { DeviceTree, DeviceTreeNode } from './device-tree.js';
export { firmwareContent } from './firmware-content.js';
export type { ChipLayout } from './chip-layout.js';
export { buildFit, readFit } from './fit.js';
export type { FitImage, FitOptions, FitReading } from './fit.js';
export { appendMetadata, appendSignature, readChunks } from './fwtool.js';
export type { FwtoolChunk } from './fwtool.js';
export { buildChk, readChk } from './netgear-chk.js';
export { readDni } from './netgear-dni.js';
export { endMarker, isMarkerAlignment, markerOffsets, padJffs2 } from './padjffs2.js';
export { signImage, verifyImage } from './image-signature.js';
export { deviceNames, parseMetadata, readMetadata } from './image-metadata.js';
export type { CarriedMetadata } from './image-metadata.js';
export { refuseForeignKernel, refuseImageOfOtherBoard } from './kernel-file.js';
export { fixHeader, headerSum } from './header-sum.js';
export type { HeaderSum } from './header-sum.js';
export { kernelOfImage } from './kernel-of-image.js';
export { finishKernel, listSteps, parseRecipe, runRecipe, runStep, stepsWithFiles } from './recipe.js';
export type { ParsedRecipe, RecipeFault } from './recipe.js';
export { buildSeama, readSeama } from './seama.js';
export type { SeamaReading } from './seama.js';
export { splitFirmware, splitParsers } from './split.js';
export type { FirmwareSplit, SplitBoard, SplitParser, SplitPart } from './split.js';
export type { RecipeStep, StepArguments, StepBoard, StepContext, StepVersion } from './steps/step.js';
export { buildTrx, readTrx } from './trx.js';
export type { TrxOptions, TrxPart, TrxReading } from './trx.js';
export { buildUbiquiti, readUbiquiti } from './ubiquiti.js';
export type { UbiquitiImage, UbiquitiPart, UbiquitiReading } from './ubiquiti.js';
export { buildUImage, readUImage } from './uimage.js';
export type { UImageHeader, UImageOptions, UImageReading } from './uimage.js';
export { makeKeyPair, signatureFingerprint, signMessage } from './usign.js';
export type { SignatureCheck, UsignKeyPair } from './usign.js';
export { sizeSchema, vendorHeadersSchema } from './vendor-headers.js';
export type { VendorHeaders } from './vendor-headers.js';
export { startsWith, wordBe, wordLe } from './bytes.js';
export { combinedTable, isCombined } from './combined.js';
export { deviceTreeTable } from './device-tree.js';
export { isFit } from './fit.js';
export { fwtoolTrailerTable } from './fwtool.js';
export { isLinksys, linksysTable, readLinksys } from './linksys.js';
export { readLxl } from './luxul.js';
export { readLzmaAlone } from './lzma.js';
export type { LzmaAloneHeader } from './lzma.js';
export { isNamedChecksum, namedChecksumTable, readNamedChecksum } from './named-checksum.js';
export { chkChecksum, chkTable } from './netgear-chk.js';
export { dniHeaderSize, isDni } from './netgear-dni.js';
export {
  growSafeloader,
  isSafeloader,
  readSafeloader,
  safeloaderDigest,
  safeloaderTable,
} from './safeloader.js';
export { seamaTable } from './seama.js';
export { isTplinkV1, readTplinkV1, tplinkV1Digest, tplinkV1Table } from './tplink-v1.js';
export { isTplinkV2, readTplinkV2, tplinkV2Digest, tplinkV2Table } from './tplink-v2.js';
export { sealTrx, trxTable } from './trx.js';
export { isUbiquiti, ubiquitiEndTable, ubiquitiPartTable } from './ubiquiti.js';
export {
  sealUImageHeader,
  uImageArchitectures,
  uImageCompressions,
  uImageTable,
  uImageTypes,
} from './uimage.js';
export { isWrgg, readWrgg, sealWrgg, wrggTable } from './wrgg.js';
export { hdr1Table, readHdr1, sealHdr1 } from './xiaomi.js';
