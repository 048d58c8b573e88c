// The seeds of tests/fuzz/rpc_fuzzer.cc, and random changes of them, through a real
// server: none may be answered as if the server were at fault, and nothing may crash.
// With the preset `asan` this is a fuzzer, without libFuzzer's search for new paths.
// TWEEDIE_MUTATIONS says how many changes are tried.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace tweedie {
namespace {

void Try(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
}

std::vector<std::string> Seeds() {
  std::vector<std::string> paths, seeds;
  for (const auto& entry :
       std::filesystem::directory_iterator(TWEEDIE_SOURCE_DIR "/tests/fuzz/corpus/rpc")) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  for (const std::string& path : paths) {
    std::ifstream file(path, std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return seeds;
}

int Mutations() {
  const char* text = std::getenv("TWEEDIE_MUTATIONS");
  return text == nullptr ? 3000 : std::atoi(text);
}

// One to four changes: of a byte, of what stands for a length or a number, of the RPC; a
// piece gone, doubled, or of another seed.
std::string Mutated(std::string input, const std::vector<std::string>& seeds,
                    std::mt19937_64& random) {
  const auto below = [&random](size_t n) { return static_cast<size_t>(random() % (n + 1)); };
  for (size_t changes = 1 + below(3); changes > 0; --changes) {
    const size_t at = below(input.size());
    const size_t length = below(std::min<size_t>(input.size() - at, 64));
    switch (random() % 6) {
      case 0:
        if (at < input.size()) input[at] = static_cast<char>(random());
        break;
      case 1:
        input.insert(at, std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 1 + below(9)));
        break;
      case 2:
        input.erase(at, length);
        break;
      case 3:
        input.insert(at, input.substr(at, length));
        break;
      case 4: {
        const std::string& other = seeds[random() % seeds.size()];
        input.replace(at, length, other.substr(below(other.size()), 64));
        break;
      }
      default:
        if (!input.empty()) input[0] = static_cast<char>(random());
    }
  }
  return input;
}

TEST(MutatedRequestsTest, NoneIsTheServersFault) {
  const std::vector<std::string> seeds = Seeds();
  ASSERT_GE(seeds.size(), 20u);
  for (const std::string& seed : seeds) Try(seed);
  std::mt19937_64 random(1);
  for (int i = 0; i < Mutations(); ++i) {
    Try(Mutated(seeds[static_cast<size_t>(i) % seeds.size()], seeds, random));
  }
}

}  // namespace
}  // namespace tweedie
