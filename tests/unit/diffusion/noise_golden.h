// Written by tools/golden/noise.py; do not edit.
// clang-format off
#ifndef TWEEDIE_TESTS_UNIT_DIFFUSION_NOISE_GOLDEN_H_
#define TWEEDIE_TESTS_UNIT_DIFFUSION_NOISE_GOLDEN_H_

#include <array>
#include <cstdint>

namespace tweedie {

struct NoiseGolden {
  uint64_t seed;
  uint32_t image, step, purpose, inner;
  std::array<uint32_t, 23> bits;  // of the float32 normals
};

inline constexpr std::array<NoiseGolden, 4> kNoiseGolden = {{
    {0x0u, 0x0u, 0x0u, 0u, 0x0u,
     {{0x3d40884eu, 0xbfad6601u, 0xbf47101au, 0x3dc4488fu, 0x3c9d7ce0u, 0x3e722d8bu, 0x3f3a4cf0u,
       0xbee5a3b4u, 0x3f75c6f0u, 0x4028d235u, 0x3f99186fu, 0x3fc9e845u, 0xbe308c42u, 0x3f2b6c63u,
       0xbea427cbu, 0x3f735501u, 0xbeab247du, 0xbe1d920fu, 0x3db85af6u, 0xbeaaaccau, 0x3f846d67u,
       0xbf398609u, 0x3de0461cu}}},
    {0x2au, 0x3u, 0x3e7u, 1u, 0x0u,
     {{0xbe8a7e74u, 0xbdc19e58u, 0xbead82afu, 0xbdd485e8u, 0xbf9888dau, 0xbfadbe31u, 0x3f232fc9u,
       0xbfa95567u, 0xbf864011u, 0x3fc05224u, 0xbfcf9d32u, 0x3f423cd5u, 0xbf9e1fb8u, 0xbd5f45a1u,
       0x3f44bf22u, 0xbf17994du, 0xbee54000u, 0xc01a0db2u, 0xbe3e9e6eu, 0xbee02ab3u, 0x3f874983u,
       0xc00bf990u, 0x4009a2f8u}}},
    {0xfedcba9876543210u, 0xffffffffu, 0xfffffffeu, 5u, 0xffffu,
     {{0x3f372ddcu, 0x3ea1c47bu, 0xbfc9723cu, 0x3ee16c44u, 0x3ff3dc41u, 0x3ef42f7du, 0x3ef7ff17u,
       0xbf2035cfu, 0x3fa3df00u, 0x3c80bce6u, 0xbf867f3du, 0xbf918068u, 0xbf808d49u, 0xbf059b33u,
       0x3ec1dbf7u, 0x3e909c4bu, 0xbe3cc80bu, 0x3fd2bd2bu, 0xc0171184u, 0xbeca5bf4u, 0x3f370280u,
       0x3f41d133u, 0xbef93cf9u}}},
    {0x100000000u, 0x1u, 0x2u, 2u, 0x7u,
     {{0xbf35123fu, 0xc015ec96u, 0x401c5327u, 0x3f5480a2u, 0xbf2f615du, 0xbd128c2eu, 0xc0214a45u,
       0xbe2f12d5u, 0x3fd3ae89u, 0x3ce91ab2u, 0x3e8cd6bau, 0xbf9ca770u, 0x3f052673u, 0x3f223356u,
       0xbffd359bu, 0x3f1f05a5u, 0xbffc715bu, 0xbe261871u, 0x3ef0f4d9u, 0xbf79ba45u, 0x3ed987e2u,
       0xbf98f31eu, 0xbf669e38u}}},
}};

// Of the first many normals of the first case.
inline constexpr uint32_t kNoiseChecksumCount = 1048576;
inline constexpr uint64_t kNoiseChecksum = 0xd2f09161e6d10457u;

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_UNIT_DIFFUSION_NOISE_GOLDEN_H_
