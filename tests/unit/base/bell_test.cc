#include "core/base/bell.h"

#include <gtest/gtest.h>

#include <thread>

namespace tweedie {
namespace {

TEST(BellTest, WhatRangBeforeEndsTheNextWaitAlone) {
  Bell bell;
  bell.Ring();
  bell.Ring();
  bell.Wait();                       // or this test would not end
  bell.Wait(absl::Milliseconds(1));  // by its time
}

TEST(BellTest, WakesAWaitThatGoesOn) {
  Bell there;
  Bell back;
  std::thread other([&] {
    for (int i = 0; i < 1000; ++i) {
      there.Wait();
      back.Ring();
    }
  });
  for (int i = 0; i < 1000; ++i) {
    there.Ring();
    back.Wait(absl::Hours(1));
  }
  other.join();
}

}  // namespace
}  // namespace tweedie
