#include "server/http/page_files.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

namespace tweedie {
namespace {

const PageFile* Find(const std::string& path) {
  for (const PageFile& file : PageFiles()) {
    if (std::regex_match(path, std::regex(file.path))) return &file;
  }
  return nullptr;
}

TEST(PageFilesTest, FilesLieInTheBinaryAsTheyAre) {
  for (const std::string name : {"index.html", "app.js", "style.css", "icon.svg"}) {
    const PageFile* file = Find(name == "index.html" ? "/" : "/dashboard/" + name);
    ASSERT_NE(file, nullptr) << name;
    std::ifstream source(TWEEDIE_SOURCE_DIR "/server/http/dashboard/" + name, std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(source), {}};
    EXPECT_EQ(std::string(file->data, file->size), content) << name;
  }
  EXPECT_STREQ(Find("/dashboard/app.js")->type, "text/javascript; charset=utf-8");
  EXPECT_EQ(Find("/dashboard/appxjs"), nullptr);
}

TEST(PageFilesTest, EachContentHasATagOfItsOwn) {
  std::set<std::string> tags;
  for (const PageFile& file : PageFiles()) tags.insert(file.etag);
  EXPECT_EQ(tags.size(), PageFiles().size());
}

// What a page loads from elsewhere would not come (its policy), nor be private.
TEST(PageFilesTest, NothingIsLoadedFromElsewhere) {
  for (const PageFile& file : PageFiles()) {
    const std::string text(file.data, file.size);
    for (size_t at = text.find("://"); at != std::string::npos; at = text.find("://", at + 1)) {
      EXPECT_EQ(text.compare(at, 18, "://www.w3.org/2000"), 0)
          << file.path << ": " << text.substr(at, 40);
    }
  }
}

}  // namespace
}  // namespace tweedie
