// Fragment blocks compress better when they hold files that share text: the coder sees one block at a time.
// See tools/squashfs/DESIGN.md "Fragment order" for the measurements behind the constants.

#include "squashfs-similarity.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numeric>
#include <tuple>

namespace firmwright {

namespace {

constexpr uint64_t kMultiplier = 0x9e3779b97f4a7c15;
constexpr size_t kClassCount = 5;
constexpr size_t kMaxCounters = 6 * 1024 * 1024;  // of features in blocks, 2 bytes each

/** xorshift64*: small, and the same everywhere. */
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * kMultiplier + 0x2545f4914f6cdd1d) {}
  uint32_t below(uint32_t limit) { return static_cast<uint32_t>((uint64_t{next()} * limit) >> 32); }
  double unit() { return next() * (1.0 / 4294967296.0); }

 private:
  uint32_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return static_cast<uint32_t>((state_ * 0x2545f4914f6cdd1d) >> 32);
  }
  uint64_t state_;
};

/**
 * Renumbers features from 0 and drops those of a single tail, which cost the same wherever it goes. Of more
 * than `limit`, every second, third, ... is kept.
 *
 * @returns the count of features left
 */
uint32_t numberSharedFeatures(std::vector<Tail>& tails, uint32_t limit) {
  size_t total = 0;
  for (const Tail& tail : tails) total += tail.features.size();
  size_t slots = 1024;
  while (slots < total * 2) slots *= 2;
  struct Slot {
    uint32_t feature;
    uint32_t number;
  };
  constexpr uint32_t kEmpty = 0xffffffff;
  constexpr uint32_t kOnce = 0xfffffffe;
  std::vector<Slot> table(slots, Slot{0, kEmpty});
  const auto find = [&](uint32_t feature) -> Slot& {
    size_t at = (feature * kMultiplier >> 20) & (slots - 1);
    while (table[at].number != kEmpty && table[at].feature != feature) at = (at + 1) & (slots - 1);
    return table[at];
  };
  uint32_t count = 0;
  for (const Tail& tail : tails) {
    for (const uint32_t feature : tail.features) {
      Slot& slot = find(feature);
      if (slot.number == kEmpty) {
        slot = {feature, kOnce};
      } else if (slot.number == kOnce) {
        slot.number = count++;
      }
    }
  }
  const uint32_t thinning = count / limit + 1;
  for (Tail& tail : tails) {
    std::vector<uint32_t> shared;
    for (const uint32_t feature : tail.features) {
      const uint32_t number = find(feature).number;
      if (number != kOnce && number % thinning == 0) shared.push_back(number / thinning);
    }
    std::sort(shared.begin(), shared.end());
    tail.features = std::move(shared);
  }
  return count / thinning + 1;
}

/** The state of the annealing: which tail is where, and what each block holds. */
class Arrangement {
 public:
  Arrangement(const std::vector<Tail>& tails, const std::vector<std::vector<uint32_t>>& start,
              const ArrangeOptions& options, uint32_t featureCount)
      : tails_(tails),
        capacity_(options.capacity),
        classCharge_(1600 / static_cast<int>(options.featureDistance) + 1),
        featureCount_(featureCount),
        blockOf_(tails.size()),
        blocks_(start.size()),
        counts_(start.size() * featureCount) {
    for (uint32_t block = 0; block < start.size(); ++block) {
      for (const uint32_t tail : start[block]) {
        blockOf_[tail] = block;
        put(tail, block);
      }
    }
  }

  /** Tries one random move or swap at a temperature. */
  void step(Random& random, double temperature) {
    const auto tail = random.below(static_cast<uint32_t>(tails_.size()));
    const auto to = random.below(static_cast<uint32_t>(blocks_.size()));
    const uint32_t from = blockOf_[tail];
    if (from == to) return;
    const uint32_t size = alignedSize(tails_[tail]);
    if (blocks_[to].fill + size <= capacity_) {
      if (accept(moveCost(tail, from, to), random, temperature)) {
        take(tail);
        blockOf_[tail] = to;
        put(tail, to);
      }
      return;
    }
    const auto& members = blocks_[to].members;
    const uint32_t other = members[random.below(static_cast<uint32_t>(members.size()))];
    const uint32_t otherSize = alignedSize(tails_[other]);
    if (blocks_[to].fill - otherSize + size > capacity_) return;
    if (blocks_[from].fill - size + otherSize > capacity_) return;
    if (!accept(swapCost(tail, other, from, to), random, temperature)) return;
    take(tail);
    take(other);
    blockOf_[tail] = to;
    blockOf_[other] = from;
    put(tail, to);
    put(other, from);
  }

  std::vector<std::vector<uint32_t>> result() const {
    std::vector<std::vector<uint32_t>> blocks;
    for (const Block& block : blocks_) blocks.push_back(block.members);
    return blocks;
  }

 private:
  struct Block {
    uint32_t fill = 0;
    std::array<uint32_t, kClassCount> classes{};
    std::vector<uint32_t> members;
  };

  static bool accept(int cost, Random& random, double temperature) {
    return cost <= 0 || random.unit() < std::exp(-cost / temperature);
  }

  int classCost(uint32_t tail, const Block& from, const Block& to) const {
    const auto c = static_cast<size_t>(tails_[tail].contentClass);
    return (to.classes[c] == 0 ? classCharge_ : 0) - (from.classes[c] == 1 ? classCharge_ : 0);
  }

  int moveCost(uint32_t tail, uint32_t from, uint32_t to) const {
    const uint16_t* a = &counts_[size_t{from} * featureCount_];
    const uint16_t* b = &counts_[size_t{to} * featureCount_];
    int cost = classCost(tail, blocks_[from], blocks_[to]);
    for (const uint32_t feature : tails_[tail].features) cost += (b[feature] == 0) - (a[feature] == 1);
    return cost;
  }

  /** Exact: features that both tails have stay in both blocks. */
  int swapCost(uint32_t tail, uint32_t other, uint32_t from, uint32_t to) const {
    const uint16_t* a = &counts_[size_t{from} * featureCount_];
    const uint16_t* b = &counts_[size_t{to} * featureCount_];
    const auto& mine = tails_[tail].features;
    const auto& theirs = tails_[other].features;
    int cost = 0;
    if (tails_[tail].contentClass != tails_[other].contentClass) {
      cost += classCost(tail, blocks_[from], blocks_[to]) + classCost(other, blocks_[to], blocks_[from]);
    }
    size_t i = 0;
    size_t j = 0;
    while (i < mine.size() || j < theirs.size()) {
      if (j == theirs.size() || (i < mine.size() && mine[i] < theirs[j])) {
        cost += (b[mine[i]] == 0) - (a[mine[i]] == 1);
        ++i;
      } else if (i == mine.size() || theirs[j] < mine[i]) {
        cost += (a[theirs[j]] == 0) - (b[theirs[j]] == 1);
        ++j;
      } else {
        ++i;
        ++j;
      }
    }
    return cost;
  }

  void put(uint32_t tail, uint32_t block) {
    Block& into = blocks_[block];
    into.fill += alignedSize(tails_[tail]);
    into.classes[static_cast<size_t>(tails_[tail].contentClass)] += 1;
    into.members.push_back(tail);
    uint16_t* counts = &counts_[size_t{block} * featureCount_];
    for (const uint32_t feature : tails_[tail].features) counts[feature] += 1;
  }

  void take(uint32_t tail) {
    const uint32_t block = blockOf_[tail];
    Block& from = blocks_[block];
    from.fill -= alignedSize(tails_[tail]);
    from.classes[static_cast<size_t>(tails_[tail].contentClass)] -= 1;
    *std::find(from.members.begin(), from.members.end(), tail) = from.members.back();
    from.members.pop_back();
    uint16_t* counts = &counts_[size_t{block} * featureCount_];
    for (const uint32_t feature : tails_[tail].features) counts[feature] -= 1;
  }

  const std::vector<Tail>& tails_;
  uint32_t capacity_;
  int classCharge_;
  uint32_t featureCount_;
  std::vector<uint32_t> blockOf_;
  std::vector<Block> blocks_;
  std::vector<uint16_t> counts_;  // of each feature in each block, block after block
};

}  // namespace

ContentClass classify(const uint8_t* data, size_t length) {
  if (length >= 20 && memcmp(data, "\177ELF", 4) == 0) {
    // e_type 1, relocatable: a kernel module; the byte order of the file decides which byte holds it.
    return (data[5] == 2 ? data[17] : data[16]) == 1 ? ContentClass::kKernelModule : ContentClass::kElf;
  }
  if (length >= 2 && data[0] == '#' && data[1] == '!') return ContentClass::kScript;
  const size_t seen = std::min<size_t>(length, 512);
  for (size_t i = 0; i < seen; ++i) {
    if (data[i] < 9 || (data[i] > 13 && data[i] < 32)) return ContentClass::kBinary;
  }
  return ContentClass::kText;
}

void sampleFeatures(const uint8_t* data, size_t length, uint32_t distance, std::vector<uint32_t>& features) {
  features.clear();
  const uint64_t mask = distance - 1;
  uint32_t last = 0;  // runs of one byte give one feature over and over, and zero bytes the feature 0
  for (size_t i = 0; i + 8 <= length; ++i) {
    uint64_t window;
    memcpy(&window, data + i, 8);
    const uint64_t hash = window * kMultiplier;
    if (((hash >> 58) & mask) == 0 && ((hash >> 52) & (mask >> 6)) == 0) {
      const auto feature = static_cast<uint32_t>(hash >> 20);
      if (feature != last) features.push_back(feature);
      last = feature;
    }
  }
  std::sort(features.begin(), features.end());
  features.erase(std::unique(features.begin(), features.end()), features.end());
}

uint32_t alignedSize(const Tail& tail) {
  // Machine code keeps its alignment: the coder's position bits then mean the same in every file of the
  // block.
  return tail.contentClass <= ContentClass::kElf ? (tail.size + 3) & ~3U : tail.size;
}

std::vector<std::vector<uint32_t>> fillInOrder(const std::vector<Tail>& tails,
                                               const std::vector<uint32_t>& order, uint32_t capacity) {
  std::vector<std::vector<uint32_t>> blocks;
  uint32_t fill = capacity;
  for (const uint32_t tail : order) {
    const uint32_t size = alignedSize(tails[tail]);
    // Aligned sizes may pass the block's end by up to 3 bytes that are never stored.
    if (fill + tails[tail].size > capacity) {
      blocks.emplace_back();
      fill = 0;
    }
    blocks.back().push_back(tail);
    fill += size;
  }
  return blocks;
}

std::vector<std::vector<uint32_t>> arrangeTails(std::vector<Tail>& tails, const ArrangeOptions& options,
                                                const std::atomic<bool>& cancelled) {
  std::vector<uint32_t> order(tails.size());
  std::iota(order.begin(), order.end(), 0);
  const auto rank = [&](uint32_t i) { return std::tuple(tails[i].contentClass, tails[i].group, i); };
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return rank(a) < rank(b); });
  auto start = fillInOrder(tails, order, options.capacity);
  if (start.size() < 2 || tails.size() > kMaxArrangedTails) return start;

  const uint32_t featureCount =
      numberSharedFeatures(tails, static_cast<uint32_t>(kMaxCounters / start.size()));
  uint32_t moves = options.moves;
  if (moves == 0) {
    moves = static_cast<uint32_t>(std::clamp<uint64_t>(tails.size() * start.size() * 8, 20'000, 3'000'000));
  }
  Arrangement arrangement(tails, start, options, featureCount);
  Random random(options.seed);
  const double hot = 2400.0 / options.featureDistance / 8;
  const double cold = hot / 60;
  const double cooling = std::pow(cold / hot, 1.0 / moves);
  double temperature = hot;
  for (uint32_t move = 0; move < moves; ++move) {
    if ((move & 1023) == 0 && cancelled.load(std::memory_order_relaxed)) break;
    arrangement.step(random, temperature);
    temperature *= cooling;
  }
  auto blocks = arrangement.result();
  std::erase_if(blocks, [](const auto& block) { return block.empty(); });
  // Inside a block the start's order is kept: neighbours in a directory are a good guess.
  for (auto& block : blocks) {
    std::sort(block.begin(), block.end(), [&](uint32_t a, uint32_t b) { return rank(a) < rank(b); });
  }
  return blocks;
}

}  // namespace firmwright
