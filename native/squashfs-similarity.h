// Puts tail ends that resemble each other into the same fragment block.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

namespace firmwright {

/** Kinds of content that compress differently; one block has one set of coder parameters for all of it. */
enum class ContentClass : uint8_t { kKernelModule, kElf, kBinary, kScript, kText };

/** Tells the class from the first bytes of a file. */
ContentClass classify(const uint8_t* data, size_t length);

/** One tail to place. */
struct Tail {
  uint32_t source;  // index of the file
  uint32_t size;
  ContentClass contentClass;
  uint32_t group;                  // rank of the file's extension
  std::vector<uint32_t> features;  // hashes of its 8-byte windows that the sampling keeps, sorted, each once
};

/**
 * Most tails that are arranged. The tries are limited, and of more tails each would get too few to find its
 * place; what little files win by good neighbours they lose again in the inode table, where places out of
 * order compress badly.
 */
constexpr size_t kMaxArrangedTails = 30'000;

/** Parameters of the arrangement. */
struct ArrangeOptions {
  uint32_t capacity;         // bytes a fragment block holds
  uint32_t featureDistance;  // one feature stands for about this many bytes
  uint32_t moves;            // tries; 0: chosen from the count of tails
  uint32_t seed;
};

/**
 * Keeps the hashes of 8-byte windows that are 0 modulo `distance` (a power of two): the same window is kept
 * in every file or in none, so that features can be compared between files. `features` is overwritten:
 * sorted, each once.
 */
void sampleFeatures(const uint8_t* data, size_t length, uint32_t distance, std::vector<uint32_t>& features);

/** Bytes a tail takes in a block, with its alignment. */
uint32_t alignedSize(const Tail& tail);

/**
 * Arranges tails into blocks: a start by class, group and path, then simulated annealing that moves and swaps
 * tails and lowers the sum over blocks of distinct features, plus a charge for each class present in a block.
 *
 * The result depends on the arguments alone, never on time. Consumes the features.
 *
 * @returns blocks of indexes into `tails`, in the order to store them
 */
std::vector<std::vector<uint32_t>> arrangeTails(std::vector<Tail>& tails, const ArrangeOptions& options,
                                                const std::atomic<bool>& cancelled);

/** Fills blocks in the order given; what is used when similarity is off. */
std::vector<std::vector<uint32_t>> fillInOrder(const std::vector<Tail>& tails,
                                               const std::vector<uint32_t>& order, uint32_t capacity);

}  // namespace firmwright
