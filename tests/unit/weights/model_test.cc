#include "core/weights/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/base/file.h"
#include "core/base/sha256.h"
#include "core/nn/unet.h"
#include "core/weights/model_repository.h"
#include "core/weights/safetensors.h"
#include "tests/testing/made_weights.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tensor_matchers.h"
#include "tests/unit/weights/containers/pickle_text.h"
#include "tests/unit/weights/containers/zip_text.h"

namespace tweedie {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsNull;
using testing::NotNull;

constexpr char kWeights[] = "diffusion_pytorch_model.safetensors";

std::string Fixture(const std::string& name) {
  return absl::StrCat(TWEEDIE_SOURCE_DIR, "/tests/golden/network/v1/", name);
}

// A folder of models that a test fills.
class ModelTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "tweedie-models-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
  }
  void TearDown() override { fs::remove_all(dir_); }

  // Copies a fixture and returns its folder.
  std::string Add(const std::string& name, const std::string& fixture = "like-default") {
    fs::copy(Fixture(fixture), dir_ / name);
    return dir_ / name;
  }
  static std::string Read(const std::string& path) { return *ReadFile(path, int64_t{1} << 24); }
  static void Write(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }
  static void Replace(const std::string& path, const std::string& from, const std::string& to) {
    const std::string text = Read(path);
    ASSERT_THAT(text, HasSubstr(from));
    Write(path, absl::StrReplaceAll(text, {{from, to}}));
  }
  static absl::Status LoadError(const std::string& folder) {
    return LoadModel("m", folder).status();
  }

  fs::path dir_;
};

auto Is(absl::StatusCode code, const testing::Matcher<std::string>& message) {
  return StatusIs(code, message);
}
auto IsInvalid(const testing::Matcher<std::string>& message) {
  return StatusIs(absl::StatusCode::kInvalidArgument, message);
}

TEST_F(ModelTest, FolderOfAPipelineIsReadLikeAFlatOne) {
  const std::string flat = Add("flat");
  const fs::path nested = dir_ / "nested";
  fs::create_directories(nested / "unet");
  fs::create_directories(nested / "scheduler");
  Write(nested / "model_index.json", "{}");
  for (const char* file : {"config.json", kWeights}) {
    fs::copy(fs::path(flat) / file, nested / "unet" / file);
  }
  fs::copy(flat + "/scheduler_config.json", nested / "scheduler" / "scheduler_config.json");
  ASSERT_OK_AND_ASSIGN(const auto a, LoadModel("flat", flat));
  ASSERT_OK_AND_ASSIGN(const auto b, LoadModel("nested", nested));
  EXPECT_EQ(a->weights_sha256, b->weights_sha256);
  EXPECT_EQ(a->num_parameters, b->num_parameters);
  EXPECT_EQ(b->name, "nested");
  EXPECT_EQ(b->dialect, "diffusers");
}

TEST_F(ModelTest, DefaultsOfDiffusersThatNoShapeTellsAreAssumptions) {
  ASSERT_OK_AND_ASSIGN(const auto complete, LoadModel("m", Add("complete")));
  EXPECT_THAT(complete->assumptions, testing::IsEmpty());
  ASSERT_OK_AND_ASSIGN(const auto absent, LoadModel("m", Add("absent", "head-dim-absent")));
  EXPECT_THAT(absent->assumptions,
              testing::ElementsAre("attention_head_dim 8 (diffusers' default)"));
}

TEST_F(ModelTest, MissingFilesAreNotFoundByName) {
  for (const char* file : {"config.json", "scheduler_config.json", kWeights}) {
    const std::string folder = Add(absl::StrCat("without-", file));
    fs::remove(folder + "/" + file);
    EXPECT_THAT(LoadError(folder), Is(absl::StatusCode::kNotFound, HasSubstr(file)));
  }
}

TEST_F(ModelTest, WeightsAreTakenFromTheFirstFormThatIsThere) {
  const std::string folder = Add("forms");
  const std::string stem = folder + "/diffusion_pytorch_model.";
  const std::string safetensors = Read(stem + "safetensors");
  Write(stem + "fp16.safetensors", safetensors);
  Write(stem + "bin", "no weights");
  ASSERT_OK_AND_ASSIGN(const auto first, LoadModel("m", folder));
  EXPECT_EQ(first->weights_sha256, Sha256Hex(safetensors));
  fs::remove(stem + "safetensors");
  EXPECT_THAT(LoadError(folder), IsInvalid(HasSubstr("diffusion_pytorch_model.bin: ")));
  fs::remove(stem + "bin");
  ASSERT_OK_AND_ASSIGN(const auto last, LoadModel("m", folder));
  EXPECT_EQ(last->num_parameters, first->num_parameters);
}

TEST_F(ModelTest, ShardsAreOneModel) {
  const std::string whole = Add("whole"), sharded = Add("sharded");
  ASSERT_OK_AND_ASSIGN(const TensorFile file, ParseSafetensors(Read(whole + "/" + kWeights)));
  TensorFile parts[2];
  std::string map;
  for (const auto& [name, tensor] : file.tensors) {
    const bool second = name > "mid";
    parts[second].tensors[name] = tensor;
    absl::StrAppend(&map, map.empty() ? "" : ",", "\"", name, "\":\"part", second,
                    ".safetensors\"");
  }
  fs::remove(sharded + "/" + kWeights);
  Write(sharded + "/part0.safetensors", SerializeSafetensors(parts[0]));
  Write(sharded + "/part1.safetensors", SerializeSafetensors(parts[1]));
  Write(absl::StrCat(sharded, "/", kWeights, ".index.json"),
        absl::StrCat("{\"weight_map\":{", map, "}}"));
  ASSERT_OK_AND_ASSIGN(const auto a, LoadModel("whole", whole));
  ASSERT_OK_AND_ASSIGN(const auto b, LoadModel("sharded", sharded));
  EXPECT_EQ(a->num_parameters, b->num_parameters);
  fs::remove(sharded + "/part1.safetensors");
  EXPECT_THAT(LoadError(sharded), Is(absl::StatusCode::kNotFound, HasSubstr("part1.safetensors")));
}

// A state dict as torch.save writes it, with the values in another type.
std::string PickledWeights(const TensorFile& file, at::ScalarType type, const char* storage) {
  std::string items = "}(";
  std::vector<std::string> storages;
  for (const auto& [name, tensor] : file.tensors) {
    const at::Tensor value = tensor.to(type).contiguous();
    items += Text(name) + Tensor({.key = absl::StrCat(storages.size()),
                                  .type = storage,
                                  .elements = value.numel(),
                                  .shape = value.sizes().vec(),
                                  .strides = value.strides().vec()});
    storages.emplace_back(static_cast<const char*>(value.const_data_ptr()), value.nbytes());
  }
  return MakeZip(TorchMembers(Pickle(items + "u"), storages));
}

TEST_F(ModelTest, PickledWeightsOfAnyPrecisionAreTheSameModel) {
  const std::string whole = Add("whole"), pickled = Add("pickled");
  ASSERT_OK_AND_ASSIGN(const TensorFile file, ParseSafetensors(Read(whole + "/" + kWeights)));
  ASSERT_OK_AND_ASSIGN(const auto expected, LoadModel("whole", whole));
  fs::remove(pickled + "/" + kWeights);
  const struct {
    at::ScalarType type;
    const char* storage;
    double tolerance;
  } cases[] = {{at::kFloat, "FloatStorage", 0},
               {at::kDouble, "DoubleStorage", 0},
               {at::kHalf, "HalfStorage", 5e-3},
               {at::kBFloat16, "BFloat16Storage", 4e-2}};
  for (const auto& c : cases) {
    Write(pickled + "/diffusion_pytorch_model.bin", PickledWeights(file, c.type, c.storage));
    ASSERT_OK_AND_ASSIGN(const auto read, LoadModel("pickled", pickled));
    for (const auto& item : expected->network->named_parameters()) {
      const at::Tensor value = read->network->named_parameters()[item.key()];
      EXPECT_EQ(value.scalar_type(), at::kFloat);
      EXPECT_FALSE(value.requires_grad());
      EXPECT_THAT(value.detach(), IsCloseTo(item.value().detach(), c.tolerance)) << item.key();
    }
  }
}

TEST_F(ModelTest, ErrorNamesFileKeyAndValue) {
  const std::string folder = Add("m");
  Replace(folder + "/scheduler_config.json", "\"linear\"", "\"cubic\"");
  EXPECT_THAT(LoadError(folder), IsInvalid(AllOf(HasSubstr("scheduler_config.json: beta_schedule"),
                                                 HasSubstr("was \"cubic\""))));
}

TEST_F(ModelTest, WeightsThatDoNotFitTheConfigAreListedWithBothShapes) {
  const std::string folder = Add("m");
  Replace(folder + "/config.json", "\"layers_per_block\": 2", "\"layers_per_block\": 1");
  EXPECT_THAT(LoadError(folder),
              IsInvalid(AllOf(HasSubstr(kWeights), HasSubstr("where the network has ["),
                              HasSubstr("not known to the network: down_blocks.0.resnets.1"))));
}

TEST_F(ModelTest, HugeConfigIsRefusedByItsWeightsWithoutMemory) {
  const std::string folder = Add("m");
  Replace(folder + "/config.json", "    16\n", "    65536\n");
  EXPECT_THAT(LoadError(folder), IsInvalid(HasSubstr("[65536, 65536, 3, 3]")));
}

TEST_F(ModelTest, ConfigsMustAgree) {
  const std::string variance = Add("variance");
  Replace(variance + "/scheduler_config.json", "fixed_small", "learned_range");
  EXPECT_THAT(LoadError(variance), IsInvalid(HasSubstr("variance_type is learned_range, but")));
  const std::string size = Add("size");
  Replace(size + "/config.json", "\"sample_size\": 8", "\"sample_size\": null");
  EXPECT_THAT(LoadError(size), IsInvalid(HasSubstr("sample_size must be given; was null")));
  const std::string channels = Add("channels");
  Replace(channels + "/config.json", "\"out_channels\": 1", "\"out_channels\": 3");
  EXPECT_THAT(LoadError(channels), IsInvalid(HasSubstr("out_channels must be in_channels, 1")));
  const std::string timesteps = Add("timesteps", "learned-time");
  Replace(timesteps + "/scheduler_config.json", "\"num_train_timesteps\": 100",
          "\"num_train_timesteps\": 101");
  EXPECT_THAT(LoadError(timesteps), IsInvalid(HasSubstr("at least the scheduler's, 101")));
}

// Looks, and returns the names of those that were read.
std::vector<std::string> LookAt(ModelRepository& repository) {
  std::vector<std::string> read;
  EXPECT_OK(repository.Look([&](const std::string& name, const ModelRepository::Read& model) {
    read.push_back(name);
    return model.status();
  }));
  return read;
}

// Weights by the formula of a golden network, and its settings.
class DialectFolderTest : public ModelTest {
 protected:
  std::string AddDialect(const std::string& name, const std::string& fixture) {
    const fs::path from = fs::path(TWEEDIE_SOURCE_DIR) / "tests/golden/dialects/v1" / fixture;
    const std::string folder = dir_ / name;
    fs::copy(from, folder);
    TensorFile weights{MadeTensors(Read(folder + "/tensors.json")), {}};
    for (const char* file : {"/tensors.json", "/io.safetensors"}) fs::remove(folder + file);
    Write(folder + "/net.safetensors", SerializeSafetensors(weights));
    return folder;
  }
};

TEST_F(DialectFolderTest, ModelJsonOrYamlSaysWhatTheWeightsDoNot) {
  ASSERT_OK_AND_ASSIGN(const auto by_json, LoadModel("a", AddDialect("a", "guided-plain")));
  EXPECT_EQ(by_json->dialect, "guided-diffusion");
  EXPECT_THAT(by_json->assumptions,
              testing::Contains("noise_schedule linear (guided-diffusion's default)"));
  EXPECT_THAT(by_json->weights_sha256, testing::SizeIs(64));
  EXPECT_GT(by_json->num_parameters, 0);
  ASSERT_OK_AND_ASSIGN(const auto by_yaml, LoadModel("b", AddDialect("b", "ho-quadratic")));
  EXPECT_EQ(by_yaml->dialect, "pesser");
  EXPECT_EQ(by_yaml->diffusion->image_shape, (std::array<int64_t, 3>{3, 64, 64}));
}

TEST_F(DialectFolderTest, OneFileOfWeightsIsMeantOrNamed) {
  const std::string folder = AddDialect("m", "guided-plain");
  fs::copy(folder + "/net.safetensors", folder + "/other.safetensors");
  EXPECT_THAT(LoadError(folder), IsInvalid(HasSubstr("weights must name one of net.safetensors, "
                                                     "other.safetensors")));
  Replace(folder + "/model.json", "{\n \"dialect\"", "{\n \"weights\": \"WHICH\", \"dialect\"");
  Replace(folder + "/model.json", "WHICH", "../net.safetensors");
  EXPECT_THAT(LoadError(folder), IsInvalid(HasSubstr("was ../net.safetensors")));
  Replace(folder + "/model.json", "../net", "other");
  EXPECT_OK(LoadModel("m", folder));
  fs::remove(folder + "/other.safetensors");
  EXPECT_THAT(LoadError(folder), IsInvalid(HasSubstr("was other.safetensors")));
}

// As it was downloaded, into the folder of all models.
TEST_F(DialectFolderTest, AFileOfWeightsIsAModelByItself) {
  const std::string folder = AddDialect("aside", "guided-plain");
  fs::rename(folder + "/net.safetensors", dir_ / "adm_1.safetensors");
  fs::rename(folder + "/model.json", dir_ / "adm_1.json");
  const std::string other = AddDialect("other", "ho-quadratic");
  fs::rename(other + "/net.safetensors", dir_ / "ho.safetensors");
  fs::rename(other + "/config.yml", dir_ / "ho.yml");
  fs::remove_all(folder);
  fs::remove_all(other);
  ASSERT_OK_AND_ASSIGN(const auto repository, ModelRepository::Open(dir_));
  ASSERT_THAT(repository->Find("adm_1"), NotNull());
  EXPECT_OK(repository->Find("adm_1")->error);
  EXPECT_EQ(repository->Find("adm_1")->model->dialect, "guided-diffusion");
  ASSERT_THAT(repository->Find("ho"), NotNull());
  EXPECT_OK(repository->Find("ho")->error);
  EXPECT_OK(repository->ReadWeights("ho"));
  EXPECT_EQ(repository->entries().size(), 2);
  // What its settings say belongs to it.
  Replace(dir_ / "ho.yml", "num_diffusion_timesteps: 200", "num_diffusion_timesteps: 60");
  LookAt(*repository);
  EXPECT_THAT(LookAt(*repository), testing::ElementsAre("ho"));
  EXPECT_EQ(repository->Find("ho")->model->diffusion->schedule.num_timesteps(), 60);
}

TEST_F(DialectFolderTest, TwoOfOneNameAreNone) {
  const std::string folder = AddDialect("m", "guided-plain");
  fs::copy(folder + "/net.safetensors", dir_ / "m.safetensors");
  ASSERT_OK_AND_ASSIGN(const auto repository, ModelRepository::Open(dir_));
  EXPECT_THAT(repository->Find("m")->error, IsInvalid(HasSubstr("two are called 'm'")));
  fs::remove(dir_ / "m.safetensors");
  LookAt(*repository);
  LookAt(*repository);
  EXPECT_OK(repository->Find("m")->error);
}

TEST_F(DialectFolderTest, ErrorsNameTheFile) {
  const std::string folder = AddDialect("m", "ho-quadratic");
  Replace(folder + "/config.yml", "ch: 32", "ch: 64");
  EXPECT_THAT(LoadError(folder), IsInvalid(AllOf(HasSubstr("net.safetensors: ch is 64"))));
  Replace(folder + "/config.yml", "ch: 64", "ch: [");
  EXPECT_THAT(LoadError(folder), IsInvalid(HasSubstr("config.yml: not valid YAML")));
  fs::remove(folder + "/config.yml");
  EXPECT_THAT(LoadError(folder), IsInvalid(HasSubstr("image_size must be given")));
  fs::remove(folder + "/net.safetensors");
  Write(folder + "/model.json", "{}");
  EXPECT_THAT(LoadError(folder), Is(absl::StatusCode::kNotFound, HasSubstr("no file of weights")));
}

TEST_F(ModelTest, RepositoryKeepsGoodModelsBesideBrokenOnes) {
  Add("good");
  Write(Add("broken") + "/" + kWeights, "not safetensors");
  Add("Bad Name");
  fs::create_directory(dir_ / "empty");
  fs::create_directory_symlink(dir_ / "good", dir_ / "link");
  fs::create_directory_symlink(dir_ / "nowhere", dir_ / "dangling");
  Write(dir_ / "README.md", "no model");
  ASSERT_OK_AND_ASSIGN(const auto repository, ModelRepository::Open(dir_));
  std::vector<std::string> names;
  for (const ModelRepository::Entry& entry : repository->entries()) {
    names.push_back(entry->name);
    EXPECT_EQ(entry->model == nullptr, !entry->error.ok()) << entry->name;
  }
  EXPECT_THAT(names,
              testing::ElementsAre("Bad Name", "broken", "dangling", "empty", "good", "link"));
  EXPECT_THAT(repository->Find("good")->model, NotNull());
  EXPECT_THAT(repository->Find("link")->model, NotNull());
  EXPECT_THAT(repository->Find("broken")->error, IsInvalid(HasSubstr(kWeights)));
  EXPECT_THAT(repository->Find("empty")->error,
              Is(absl::StatusCode::kNotFound, HasSubstr("config.json")));
  EXPECT_THAT(repository->Find("Bad Name")->error, IsInvalid(HasSubstr("[a-z0-9]")));
  EXPECT_THAT(repository->Find("dangling")->error, Is(absl::StatusCode::kNotFound, HasSubstr("")));
  EXPECT_THAT(repository->Find("README.md"), IsNull());
}

TEST_F(ModelTest, RepositoryNeedsAFolderWithModels) {
  EXPECT_THAT(ModelRepository::Open(dir_ / "none"),
              Is(absl::StatusCode::kNotFound, HasSubstr("none")));
  EXPECT_THAT(ModelRepository::Open(dir_),
              Is(absl::StatusCode::kFailedPrecondition, HasSubstr(dir_.string())));
}

TEST_F(ModelTest, WhatStaysTheSameIsNotReadAgain) {
  Add("a");
  Write(Add("broken") + "/" + kWeights, "not safetensors");
  ASSERT_OK_AND_ASSIGN(const auto repository, ModelRepository::Open(dir_));
  EXPECT_THAT(LookAt(*repository), testing::IsEmpty());
  EXPECT_THAT(LookAt(*repository), testing::IsEmpty());
}

// A file that is being copied changes from look to look.
TEST_F(ModelTest, WhatChangesIsReadOnceItStaysTheSame) {
  const std::string folder = Add("m");
  ASSERT_OK_AND_ASSIGN(const auto repository, ModelRepository::Open(dir_));
  const std::string before = repository->Find("m")->model->weights_sha256;
  const std::string other = Read(Fixture("no-attention") + "/" + kWeights);
  fs::copy(Fixture("no-attention") + "/config.json", folder + "/config.json",
           fs::copy_options::overwrite_existing);
  Write(folder + "/" + kWeights, other.substr(0, other.size() / 2));
  EXPECT_THAT(LookAt(*repository), testing::IsEmpty());
  Write(folder + "/" + kWeights, other);
  EXPECT_THAT(LookAt(*repository), testing::IsEmpty());
  EXPECT_EQ(repository->Find("m")->model->weights_sha256, before);
  EXPECT_THAT(LookAt(*repository), testing::ElementsAre("m"));
  EXPECT_NE(repository->Find("m")->model->weights_sha256, before);
}

TEST_F(ModelTest, AModelWhoseChangeIsBrokenStaysAsItWas) {
  const std::string folder = Add("m");
  ASSERT_OK_AND_ASSIGN(const auto repository, ModelRepository::Open(dir_));
  EXPECT_OK(repository->ReadWeights("m"));
  const auto before = repository->Find("m")->model;
  const std::string good = Read(folder + "/" + kWeights);
  Write(folder + "/" + kWeights, "not safetensors");
  // A job that is begun now waits: it may be half of a file that is good.
  EXPECT_TRUE(absl::IsUnavailable(repository->ReadWeights("m").status()));
  LookAt(*repository);
  EXPECT_THAT(LookAt(*repository), testing::ElementsAre("m"));
  EXPECT_EQ(repository->Find("m")->model, before);
  EXPECT_THAT(repository->Find("m")->error, IsInvalid(HasSubstr(kWeights)));
  Write(folder + "/" + kWeights, good);
  LookAt(*repository);
  EXPECT_THAT(LookAt(*repository), testing::ElementsAre("m"));
  EXPECT_OK(repository->Find("m")->error);
  EXPECT_OK(repository->ReadWeights("m"));
}

TEST_F(ModelTest, ModelsComeAndGo) {
  Add("a");
  ASSERT_OK_AND_ASSIGN(const auto repository, ModelRepository::Open(dir_));
  Add("b");
  fs::remove_all(dir_ / "a");
  LookAt(*repository);
  EXPECT_THAT(repository->Find("a"), IsNull());
  EXPECT_THAT(LookAt(*repository), testing::ElementsAre("b"));
  EXPECT_THAT(repository->Find("b"), NotNull());
  EXPECT_THAT(repository->ReadWeights("a"), Is(absl::StatusCode::kNotFound, HasSubstr("models/a")));
}

}  // namespace
}  // namespace tweedie
