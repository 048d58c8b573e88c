#include "core/base/thread_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <string>
#include <thread>

namespace tweedie {
namespace {

std::string NameAfter(const char* name) {
  char found[16] = {};
  std::thread([&] {
    NameThisThread("before");
    NameThisThread(name);
    pthread_getname_np(pthread_self(), found, sizeof(found));
  }).join();
  return found;
}

TEST(ThreadNameTest, IsWhatToolsShow) { EXPECT_EQ(NameAfter("engine"), "engine"); }

TEST(ThreadNameTest, OfFifteenBytesAtMost) {
  EXPECT_EQ(NameAfter("123456789012345"), "123456789012345");
  EXPECT_EQ(NameAfter("1234567890123456"), "before");
}

}  // namespace
}  // namespace tweedie
